"""What the API says of its limits holds for all requests of a run."""

from __future__ import annotations

import datetime as dt
import logging
import time
from unittest import mock

import pytest

from sandbox import Fault
from tap_contentstack.api.client import Client
from tap_contentstack.api.responses import decode_json
from tap_contentstack.api.throttle import Throttle
from tests.api.clients import CONTENT_TYPES, connect
from tests.settings import read_settings


@pytest.fixture
def throttle():
    throttle = mock.create_autospec(Throttle, instance=True)
    throttle.next_wait.return_value = 0.0
    return throttle


@pytest.fixture
def throttled(sandbox, throttle, monkeypatch) -> Client:
    """A client whose pace is noted and not kept."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    settings = read_settings({**sandbox.settings, "max_retries": 1})
    return Client(settings, throttle, logging.getLogger("tap-contentstack"))


def moment(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    ("fault", "slows", "pauses"),
    [
        pytest.param(lambda: Fault(status=429), True, None, id="too many"),
        pytest.param(lambda: Fault(status=503, retry_after=0), False, None, id="another problem"),
        pytest.param(lambda: Fault(status=429, retry_after=1), True, (1, 1), id="seconds"),
        pytest.param(
            lambda: Fault(status=503, retry_after=2, limit_told="retry_after_date"), False, (0, 2), id="a date"
        ),
        pytest.param(
            lambda: Fault(status=429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}),
            True,
            (1, 1),
            id="reset",
        ),
        pytest.param(
            lambda: Fault(status=429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(moment(900))}),
            True,
            (600, 900),
            id="reset as a moment",
        ),
        pytest.param(
            lambda: Fault(
                status=429,
                headers={
                    "x-ratelimit-remaining": "0",
                    "x-ratelimit-reset-time": dt.datetime.fromtimestamp(
                        moment(900), dt.timezone(dt.timedelta(hours=-2))
                    ).isoformat(),
                },
            ),
            True,
            (600, 900),
            id="reset as ISO text with an offset",
        ),
        pytest.param(
            lambda: Fault(status=429, retry_after=100_000), True, (900, 900), id="at most a quarter of an hour"
        ),
    ],
)
def test_what_the_api_asks_for_holds_for_all_requests(sandbox, throttle, throttled, fault, slows, pauses):
    sandbox.faults.add(fault())
    throttled.get(CONTENT_TYPES, {}, decode_json)
    assert throttle.slow_down.called == slows
    if pauses:
        ((seconds,),) = (call.args for call in throttle.pause.call_args_list)
        assert pauses[0] <= seconds <= pauses[1]
    else:
        assert not throttle.pause.called
    assert throttle.recover.call_count == 1


def test_a_limit_that_is_used_up_holds_the_next_request_back(sandbox, throttle, throttled):
    sandbox.faults.add(Fault(kind="slow", status=200, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3"}))
    throttled.get(CONTENT_TYPES, {}, decode_json)
    throttle.pause.assert_called_once_with(3.0)
    assert not throttle.recover.called
    assert throttle.note_success.called


@pytest.mark.parametrize(
    ("headers", "pauses"),
    [
        pytest.param(lambda: {"x-ratelimit-reset": f"{moment(40)}123"}, (10, 41), id="milliseconds"),
        pytest.param(lambda: {"x-ratelimit-reset": "253402300799"}, (60, 60), id="a far future"),
        pytest.param(lambda: {"x-ratelimit-reset-time": "9999-12-31T23:59:59Z"}, (60, 60), id="the last year"),
        pytest.param(lambda: {"x-ratelimit-reset": "1"}, (1, 1), id="as documented"),
    ],
)
def test_a_pause_after_a_good_response_is_short_or_told(sandbox, throttle, throttled, headers, pauses, caplog):
    sandbox.faults.add(Fault(kind="slow", status=200, headers={"x-ratelimit-remaining": "0", **headers()}))
    throttled.get(CONTENT_TYPES, {}, decode_json)
    ((seconds,),) = (call.args for call in throttle.pause.call_args_list)
    assert pauses[0] <= seconds <= pauses[1]
    told = [f"127.0.0.1 says that its limit is used up; waiting {seconds:.1f} seconds"] if seconds > 1 else []
    assert [record.getMessage() for record in caplog.records] == told


def test_the_api_is_waited_for_as_long_as_it_asks(sandbox):
    client = connect(sandbox)
    sandbox.faults.add(Fault(status=429, retry_after=1))
    began = time.monotonic()
    client.get(CONTENT_TYPES, {}, decode_json)
    assert time.monotonic() - began >= 1


def test_a_used_up_limit_pauses_the_next_request(sandbox):
    client = connect(sandbox)
    sandbox.faults.add(Fault(status=200, kind="slow", headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}))
    client.get(CONTENT_TYPES, {}, decode_json)
    began = time.monotonic()
    client.get(CONTENT_TYPES, {}, decode_json)
    assert time.monotonic() - began >= 0.8
