"""What is asked for again, how often, and after which wait."""

from __future__ import annotations

import time

import pytest

from sandbox import Fault
from tap_contentstack.api import retries as retries_module
from tap_contentstack.api.responses import decode_json
from tap_contentstack.api.throttle import LONGEST_THROTTLING, Throttle
from tap_contentstack.errors import ApiError, ThrottledError, TransientError
from tests.api.clients import CONTENT_TYPES, connect


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=429, retry_after=0),
        Fault(status=429, retry_after=0, limit_told="retry_after_date"),
        Fault(status=429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}),
        Fault(status=408),
        Fault(status=500),
        Fault(status=502),
        Fault(status=503),
        Fault(status=504),
        Fault(kind="reset"),
        Fault(kind="cut"),
        Fault(kind="truncated"),
        Fault(kind="html", status=200),
        Fault(kind="html", status=502),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_a_passing_fault_is_retried_and_told_once_in_words(sandbox, caplog, fault):
    client = connect(sandbox)
    sandbox.faults.add(fault)
    assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]
    waits = [record.getMessage() for record in caplog.records if "waiting" in record.getMessage()]
    assert len(waits) == 1
    assert ("before attempt 2 of 4" in waits[0]) == (
        (fault.kind, fault.status) != ("status", 429)
    )  # no failure of the request
    assert client.counts["retries"] == 1


def test_an_api_that_names_a_wait_is_not_given_up_sooner_than_one_that_names_none(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    totals = []
    for named in (None, 0.0, 1.0):
        waits = retries_module.backoff_waits()
        next(waits)
        totals.append(sum(waits.send(TransientError("down", retry_after=named)) for _ in range(8)))
    assert totals[0] <= min(totals)


def test_a_refusal_of_a_request_that_was_sent_ahead_is_treated_as_any(sandbox, caplog):
    client = connect(sandbox)
    client.get(CONTENT_TYPES, {}, decode_json)
    sandbox.faults.add(Fault(status=429, retry_after=1))
    client.prefetch(CONTENT_TYPES, {"limit": "1"})
    began = time.monotonic()
    assert client.get(CONTENT_TYPES, {"limit": "1"}, decode_json)
    assert time.monotonic() - began >= 1
    assert "is throttling (HTTP 429); waiting" in caplog.text
    assert client.counts["retries"] == 1


def test_retries_are_bounded(sandbox):
    client = connect(sandbox)
    sandbox.faults.add(Fault(status=503, times=None))
    with pytest.raises(ApiError, match=r"failed temporarily \(HTTP 503, request \w+\) \(gave up after 4 attempts\)"):
        client.get(CONTENT_TYPES, {}, decode_json)
    assert len(sandbox.requests) == 4


def test_no_retries_means_one_attempt(sandbox):
    sandbox.faults.add(Fault(status=503, times=None))
    with pytest.raises(ApiError, match="gave up after 1 attempt"):
        connect(sandbox, max_retries=0).get(CONTENT_TYPES, {}, decode_json)
    assert len(sandbox.requests) == 1


def test_a_slow_answer_times_out_and_is_asked_for_again(sandbox):
    sandbox.faults.add(Fault(kind="slow", delay=1.0))
    assert connect(sandbox, request_timeout=0.2).get(CONTENT_TYPES, {}, decode_json)


@pytest.mark.parametrize("status", [204, 206, 304])
def test_an_answer_without_what_was_asked_for_is_asked_for_again(sandbox, status):
    sandbox.faults.add(Fault(status=status))
    client = connect(sandbox)
    assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]
    assert client.counts["retries"] == 1


def test_a_401_after_good_answers_is_asked_again(sandbox):
    client = connect(sandbox)
    client.get(CONTENT_TYPES, {}, decode_json)
    sandbox.faults.add(Fault(status=401, code=105))
    assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]


@pytest.mark.parametrize(
    "value", ["99999999999999999999 Jan 99999 00:00:00", "nan", "-5", "soon", "Mon, 1 Jan 99999 00:00:00 GMT"]
)
def test_an_absurd_retry_after_is_survived(sandbox, value):
    sandbox.faults.add(Fault(status=503, headers={"Retry-After": value}))
    assert connect(sandbox).get(CONTENT_TYPES, {}, decode_json)["content_types"]


def patient() -> Throttle:
    """A throttle whose seconds pass at once."""
    now = [0.0]
    return Throttle(clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": "0"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}], ids=str
)
def test_throttling_does_not_count_as_an_attempt(sandbox, headers):
    sandbox.faults.add(Fault(status=429, headers=headers, times=12))
    throttle = patient()
    client = connect(sandbox, throttle, max_retries=0)
    assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]
    assert client.counts["retries"] == 12
    assert throttle.waited > 12


def test_throttling_without_one_good_answer_is_given_up_after_a_quarter_of_an_hour():
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    while now[0] <= LONGEST_THROTTLING:
        throttle.wait(throttle.next_wait(ThrottledError("throttling", 1.0), 60.0))
    with pytest.raises(ApiError, match="no good response for 9"):
        throttle.next_wait(ThrottledError("throttling", 1.0), 60.0)
