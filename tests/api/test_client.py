"""Requests to the API: what they carry, which way they go, and how often they are sent."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from sandbox import Fault
from tap_contentstack.api.responses import decode_json
from tap_contentstack.errors import ApiError, SettingsError
from tests.api.clients import CONTENT_TYPES, connect
from tests.tap_process import wait_until


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


def test_a_request_that_is_sent_ahead_counts_once(sandbox):
    client = connect(sandbox)
    client.get(CONTENT_TYPES, {}, decode_json)
    client.prefetch(CONTENT_TYPES, {"limit": "1"})
    assert len(client.get(CONTENT_TYPES, {"limit": "1"}, decode_json)["content_types"]) == 1
    assert (client.counts["requests"], client.counts["retries"], len(sandbox.requests)) == (2, 0, 2)


def test_connections_are_kept_alive(sandbox, caplog):
    caplog.set_level(logging.DEBUG, logger="urllib3")
    client = connect(sandbox)
    for _ in range(5):
        client.get(CONTENT_TYPES, {}, decode_json)
    assert sum("Starting new HTTP connection" in record.getMessage() for record in caplog.records) == 1


def test_a_redirect_is_not_followed_as_it_would_take_the_credentials_along(sandbox):
    sandbox.faults.add(Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(ApiError, match="redirect"):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


def test_a_credential_that_no_header_can_carry_is_named_without_its_value(sandbox):
    with pytest.raises(SettingsError, match="'access_token' has characters") as caught:
        connect(sandbox, access_token="cs\u00e9")
    assert "\u00e9" not in str(caught.value)


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
