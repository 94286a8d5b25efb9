"""Requests to the API: what is retried, what is refused, and what is said about it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from urllib.parse import urlsplit

import pytest

from sandbox import Fault, Sandbox
from tap_contentstack.api import retries as retries_module
from tap_contentstack.api.client import Client
from tap_contentstack.api.responses import decode_json
from tap_contentstack.api.throttle import LONGEST_THROTTLING, Throttle
from tap_contentstack.config.settings import read_settings
from tap_contentstack.errors import (
    AccessError,
    ApiError,
    NotFoundError,
    RefusedError,
    SettingsError,
    ThrottledError,
    TokenRefusedError,
    TransientError,
)
from tests.tap_process import wait_until

CONTENT_TYPES = "/v3/content_types"
SYNC = "/v3/stacks/sync"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retries_module, "FIRST_WAIT", 0.01)


def connect(sandbox: Sandbox, throttle: Throttle | None = None, **config: object) -> Client:
    settings = read_settings({**sandbox.settings, "max_retries": 3, "request_timeout": 2, **config})
    return Client(settings, throttle or Throttle(), logging.getLogger("tap-contentstack"))


def patient() -> Throttle:
    """A throttle whose seconds pass at once."""
    now = [0.0]
    return Throttle(clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))


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


EPOCH = int(time.time())


@pytest.mark.parametrize(
    ("fault", "slows", "pauses"),
    [
        pytest.param(Fault(status=429), True, None, id="too many"),
        pytest.param(Fault(status=503, retry_after=0), False, None, id="another problem"),
        pytest.param(Fault(status=429, retry_after=1), True, (1, 1), id="seconds"),
        pytest.param(Fault(status=503, retry_after=2, limit_told="retry_after_date"), False, (0, 2), id="a date"),
        pytest.param(
            Fault(status=429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}),
            True,
            (1, 1),
            id="reset",
        ),
        pytest.param(
            Fault(status=429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 900)}),
            True,
            (600, 900),
            id="reset as a moment",
        ),
        pytest.param(
            Fault(
                status=429,
                headers={
                    "x-ratelimit-remaining": "0",
                    "x-ratelimit-reset-time": dt.datetime.fromtimestamp(
                        EPOCH + 900, dt.timezone(dt.timedelta(hours=-2))
                    ).isoformat(),
                },
            ),
            True,
            (600, 900),
            id="reset as ISO text with an offset",
        ),
        pytest.param(Fault(status=429, retry_after=100_000), True, (900, 900), id="at most a quarter of an hour"),
    ],
)
def test_what_the_api_asks_for_holds_for_all_requests(sandbox, throttle, throttled, fault, slows, pauses):
    sandbox.faults.add(replace(fault))
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
        pytest.param({"x-ratelimit-reset": f"{EPOCH + 40}123"}, (10, 41), id="milliseconds"),
        pytest.param({"x-ratelimit-reset": "253402300799"}, (60, 60), id="a far future"),
        pytest.param({"x-ratelimit-reset-time": "9999-12-31T23:59:59Z"}, (60, 60), id="the last year"),
        pytest.param({"x-ratelimit-reset": "1"}, (1, 1), id="as documented"),
    ],
)
def test_a_pause_after_a_good_response_is_short_or_told(sandbox, throttle, throttled, headers, pauses, caplog):
    sandbox.faults.add(Fault(kind="slow", status=200, headers={"x-ratelimit-remaining": "0", **headers}))
    throttled.get(CONTENT_TYPES, {}, decode_json)
    ((seconds,),) = (call.args for call in throttle.pause.call_args_list)
    assert pauses[0] <= seconds <= pauses[1]
    told = [f"127.0.0.1 says that its limit is used up; waiting {seconds:.1f} seconds"] if seconds > 1 else []
    assert [record.getMessage() for record in caplog.records] == told


def test_credentials_go_into_headers_and_the_environment_into_the_query(sandbox):
    connect(sandbox, branch="main").get(CONTENT_TYPES, {"limit": "1"}, decode_json)
    request = sandbox.requests[-1]
    assert request.headers["api_key"] == sandbox.settings["api_key"]
    assert request.headers["access_token"] == sandbox.settings["access_token"]
    assert request.headers["branch"] == "main"
    assert request.headers["user-agent"].startswith("tap-contentstack/")
    assert "gzip" in request.headers["accept-encoding"]
    assert request.params == {"limit": "1", "environment": sandbox.settings["environment"]}


def test_a_user_agent_can_be_given(sandbox):
    connect(sandbox, user_agent="warehouse/1").get(CONTENT_TYPES, {}, decode_json)
    assert sandbox.requests[-1].headers["user-agent"] == "warehouse/1"


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


def test_a_request_that_is_sent_ahead_counts_once(sandbox):
    client = connect(sandbox)
    client.get(CONTENT_TYPES, {}, decode_json)
    client.prefetch(CONTENT_TYPES, {"limit": "1"})
    assert len(client.get(CONTENT_TYPES, {"limit": "1"}, decode_json)["content_types"]) == 1
    assert (client.counts["requests"], client.counts["retries"], len(sandbox.requests)) == (2, 0, 2)


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


def test_secrets_that_an_answer_repeats_are_not_logged(sandbox, caplog):
    secret = sandbox.settings["access_token"]
    sandbox.faults.add(Fault(kind="html", status=200, headers={"Content-Type": f"text/{secret}"}))
    connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
    assert "waiting" in caplog.text
    assert secret not in caplog.text


@pytest.fixture
def proxy(monkeypatch):
    """The address of a proxy that passes requests on, with what it was asked for; the environment names it."""
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append((self.path, self.headers["Proxy-Authorization"]))
            passed_on = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
            with closing(HTTPConnection(urlsplit(self.path).netloc)) as connection:
                connection.request("GET", self.path, headers=passed_on)
                answer = connection.getresponse()
                self.send_response(answer.status)
                for header in answer.getheaders():
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(answer.read())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://user:pass@127.0.0.1:{server.server_port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "")
        yield asked
        server.shutdown()


def test_requests_go_through_the_proxy_of_the_environment(sandbox, proxy):
    client = connect(sandbox)
    for _ in range(2):
        assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]
        client.prefetch(CONTENT_TYPES, {})
    wait_until(lambda: len(proxy) == 3)
    assert all(path.startswith(f"{sandbox.url}{CONTENT_TYPES}?") for path, _ in proxy)
    assert {credentials for _, credentials in proxy} == {"Basic dXNlcjpwYXNz"}


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("base_url", ["http://cdn.example.org", "https://cdn.example.org"])
def test_a_proxy_that_cannot_be_used_is_told_from_the_api(sandbox, monkeypatch, base_url):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://user:pass@127.0.0.1:9")
    with pytest.raises(ApiError, match=r"the proxy cannot reach cdn.example.org \(.*refused\): check HTTP") as caught:
        connect(sandbox, base_url=base_url, max_retries=0).get(CONTENT_TYPES, {}, decode_json)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "error", "sentence"),
    [
        ({"api_key": "blt-other"}, AccessError, "check api_key, and region"),
        ({"access_token": "cs-other"}, AccessError, "check access_token"),
        ({"environment": "nowhere"}, AccessError, "environment 'nowhere' is unknown"),
        ({"branch": "nowhere"}, AccessError, "branch 'nowhere' is unknown"),
    ],
    ids=["api key", "token", "environment", "branch"],
)
def test_wrong_settings_are_named_at_once(sandbox, config, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        connect(sandbox, **config).get(SYNC, {"init": "true"}, decode_json)
    assert len(sandbox.requests) == 1
    for secret in ("api_key", "access_token"):
        assert config.get(secret, sandbox.settings[secret]) not in str(caught.value)


@pytest.mark.parametrize(
    ("api_key", "access_token", "said"),
    [
        ("blt12345", "a", "… has no access"),
        ("a", "blt12345", "… has no access"),
        ("a", "blt", "blt12345 has no access"),
    ],
)
def test_a_credential_is_masked_unless_it_is_too_short_to_be_one(sandbox, api_key, access_token, said):
    sandbox.faults.add(Fault(status=422, code=999, fields=None, message="blt12345 has no access"))
    with pytest.raises(RefusedError) as caught:
        connect(sandbox, api_key=api_key, access_token=access_token).get(CONTENT_TYPES, {}, decode_json)
    assert said in str(caught.value)


def test_a_refused_token_is_told_from_other_refusals(sandbox):
    client = connect(sandbox)
    for name in ("sync_token", "pagination_token"):
        with pytest.raises(TokenRefusedError):
            client.get(SYNC, {name: "blt-unknown"}, decode_json)


def test_a_content_type_that_is_gone_is_told_from_other_refusals(sandbox):
    with pytest.raises(NotFoundError):
        connect(sandbox).get(f"{CONTENT_TYPES}/nothing", {}, decode_json)


def test_a_redirect_is_not_followed_as_it_would_take_the_credentials_along(sandbox):
    sandbox.faults.add(Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(ApiError, match="redirect"):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


@pytest.mark.parametrize("status", [204, 206, 304])
def test_an_answer_without_what_was_asked_for_is_asked_for_again(sandbox, status):
    sandbox.faults.add(Fault(status=status))
    client = connect(sandbox)
    assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]
    assert client.counts["retries"] == 1


def test_a_proxy_that_wants_credentials_is_named(sandbox):
    sandbox.faults.add(Fault(status=407))
    with pytest.raises(ApiError, match="the proxy rejects the credentials: check those in HTTP_PROXY"):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


def test_a_host_that_does_not_answer_is_named(sandbox):
    client = connect(sandbox, base_url="http://127.0.0.1:9")
    with pytest.raises(ApiError, match="refuses connections: check region and base_url"):
        client.get(CONTENT_TYPES, {}, decode_json)


def test_a_host_that_does_not_exist_is_named(sandbox):
    client = connect(sandbox, base_url="http://host.invalid", max_retries=0)
    with pytest.raises(ApiError, match=r"the host host\.invalid is unknown"):
        client.get(CONTENT_TYPES, {}, decode_json)


def test_a_credential_that_no_header_can_carry_is_named_without_its_value(sandbox):
    with pytest.raises(SettingsError, match="'access_token' has characters") as caught:
        connect(sandbox, access_token="cs\u00e9")
    assert "\u00e9" not in str(caught.value)


def test_connections_are_kept_alive(sandbox, caplog):
    caplog.set_level(logging.DEBUG, logger="urllib3")
    client = connect(sandbox)
    for _ in range(5):
        client.get(CONTENT_TYPES, {}, decode_json)
    assert sum("Starting new HTTP connection" in record.getMessage() for record in caplog.records) == 1


# What a refusal blames, and whom it ends

FOREIGN = [400, 401, 403, 404, 410, 412]


@pytest.mark.parametrize("status", FOREIGN)
@pytest.mark.parametrize(
    "body", [None, '{"message": "Forbidden"}', "[]", ""], ids=["a page", "other JSON", "a list", "nothing"]
)
def test_an_answer_that_is_not_the_apis_blames_no_setting(sandbox, status, body):
    sandbox.faults.add(Fault(kind="html", status=status, body=body))
    with pytest.raises(ApiError, match=rf"answered HTTP {status} with something other than the API's JSON") as raised:
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
    assert not isinstance(raised.value, AccessError)
    assert "request " in str(raised.value)


@pytest.mark.parametrize("status", FOREIGN)
def test_a_status_alone_blames_no_setting_in_the_apis_own_json_either(sandbox, status):
    sandbox.faults.add(Fault(status=status, code=5))
    with pytest.raises(RefusedError):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


@pytest.mark.parametrize(
    ("code", "fields", "named"),
    [
        (109, (), "api_key"),
        (105, (), "access_token"),
        (901, (), "check branch"),
        (7, ("branch",), "check branch"),
        (118, ("branch",), "check branch"),
        (118, ("environment",), "check environment"),
        (7, ("environment",), "check environment"),
    ],
)
def test_the_apis_own_words_name_the_setting_and_end_all_streams(sandbox, code, fields, named):
    sandbox.faults.add(Fault(status=422, code=code, fields=fields))
    with pytest.raises(AccessError, match=named):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


def test_a_401_after_good_answers_is_asked_again(sandbox):
    client = connect(sandbox)
    client.get(CONTENT_TYPES, {}, decode_json)
    sandbox.faults.add(Fault(status=401, code=105))
    assert client.get(CONTENT_TYPES, {}, decode_json)["content_types"]


def test_texts_from_outside_stay_on_one_line(sandbox):
    message = "no\n2026-01-01 | INFO | Done: \x1b[2J all is well " + "x" * 5000
    sandbox.faults.add(Fault(status=422, code=5, message=message, fields=("a\nb",)))
    with pytest.raises(ApiError) as raised:
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) < 1000


@pytest.mark.parametrize("body", ['{"errors": ' + "[" * 100_000 + "]" * 100_000 + "}", "[" * 100_000])
def test_an_answer_that_is_nested_without_end_is_one_sentence(sandbox, body):
    sandbox.faults.add(Fault(kind="html", status=422, body=body))
    with pytest.raises(ApiError, match="something other than the API's JSON"):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


@pytest.mark.parametrize(
    "value", ["99999999999999999999 Jan 99999 00:00:00", "nan", "-5", "soon", "Mon, 1 Jan 99999 00:00:00 GMT"]
)
def test_an_absurd_retry_after_is_survived(sandbox, value):
    sandbox.faults.add(Fault(status=503, headers={"Retry-After": value}))
    assert connect(sandbox).get(CONTENT_TYPES, {}, decode_json)["content_types"]


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


def test_half_a_character_in_a_definition_spoils_no_answer():
    assert decode_json(b'\xef\xbb\xbf{"title": "a\\ud83d", "b": "\\ud83d\\ude00"}') == {
        "title": "a\0",
        "b": "\U0001f600",
    }
