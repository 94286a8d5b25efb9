"""The way to the API's host: this machine's proxies and certificates, and answers that come while a thread works."""

from __future__ import annotations

import http.client
import threading
import typing as t
import zlib
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_contentstack.errors import ApiError, SettingsError, TransientError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_contentstack.config.settings import Settings

LOST = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,  # a length beyond all bounds
    zlib.error,
    http.client.HTTPException,
    urllib3.exceptions.HTTPError,
)
"""What a request or its answer can come to where no answer can be read."""


class Answer(t.NamedTuple):
    """An answer, whatever it says.

    Attributes:
        status: Its HTTP status.
        headers: Its headers, whose names may be asked for in any case.
        body: Its whole body, decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection(threading.local):
    """The connection to the API's host that each thread has for itself.

    A request can be sent ahead, so that its answer is on its way while the thread works on the one before. This takes
    no second thread, which would have to be woken for each page, mostly on another core, and share the interpreter.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare a connection, in each thread that uses it.

        Raises:
            SettingsError: No request can be made with these settings.
        """
        self._settings = settings
        self._prefix, self._headers, self._pool = open_pool(settings)
        self._timeout = urllib3.Timeout(connect=settings.request_timeout, read=settings.request_timeout)
        self._line: urllib3.connection.HTTPConnection | None = None
        self._awaited: str | None = None

    def ask(self, target: str) -> Answer:
        """Send a request and return its answer.

        Args:
            target: Path and query.

        Raises:
            TransientError: There was no answer, which may be otherwise the next time.
            ApiError: There is none to be had.
        """
        self._forget()
        try:
            response = self._pool.urlopen(
                "GET",
                f"{self._prefix}{target}",
                headers=self._headers,
                retries=False,
                redirect=False,
                assert_same_host=False,  # the connections may be a proxy's
                timeout=self._timeout,
                preload_content=False,
            )
            self._line = t.cast("urllib3.connection.HTTPConnection | None", response.connection)
            return self._final(Answer(response.status, response.headers, response.data))
        except LOST as error:
            raise self._failure(error) from None

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent ahead: nothing is awaited, and nothing has come that was not asked for."""
        return self._line is not None and self._awaited is None and self._line.is_connected

    def ask_ahead(self, target: str) -> None:
        """Send a request whose answer is collected later; only while the connection is open."""
        if (line := self._line) is None:
            return
        try:
            line.request("GET", f"{self._prefix}{target}", headers=self._headers, preload_content=False)
        except LOST:
            line.close()
        else:
            self._awaited = target

    def collect(self, target: str) -> Answer | None:
        """Return the answer to a request that was sent ahead; None if it was not, or if the answer is lost.

        A server need not wait for as long as a target may hold a thread up: that is no failure to speak of.

        Raises:
            TransientError: The answer is none, or has not come in time.
        """
        if self._awaited != target or self._line is None:
            return None
        self._awaited = None
        try:
            return self._final(receive(self._line))
        except TimeoutError as error:
            self._line.close()
            raise self._failure(error) from None
        except LOST:
            self._line.close()
            return None

    def _final(self, answer: Answer) -> Answer:
        """Return an answer that is one: behind another one the real one still comes, which the next request would get.

        Raises:
            TransientError: It is one of those that go before an answer (RFC 9110, 15.2).
        """
        if answer.status >= HTTPStatus.OK:
            return answer
        if self._line is not None:
            self._line.close()
        msg = f"{host_of(self._settings)} did not get further than HTTP {answer.status}: check for a proxy in between"
        raise TransientError(msg)

    def _forget(self) -> None:
        """Drop an answer that nobody has collected, with its connection, so that it is not taken for another one."""
        if self._awaited is not None and self._line is not None:
            self._awaited = None
            self._line.close()

    def _failure(self, error: Exception) -> Exception:
        """Return what a failure means to a user."""
        host = host_of(self._settings)
        if isinstance(error, urllib3.exceptions.ProxyError):
            reason = str(error.original_error).rpartition(": ")[2]
            msg = f"the proxy gives no way to {host} ({reason}): check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
            return TransientError(msg)
        if isinstance(error, urllib3.exceptions.SSLError):
            if "certificate" not in str(error).lower():
                return TransientError(f"the TLS connection to {host} broke")
            return ApiError(
                f"{host} shows a certificate that is not trusted here: check base_url and REQUESTS_CA_BUNDLE"
            )
        if isinstance(error, urllib3.exceptions.NewConnectionError):
            return TransientError(_unreachable(host, error))
        if isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError)):
            seconds = self._settings.request_timeout
            msg = f"{host} did not answer within {seconds:g} seconds: check the network, or raise request_timeout"
            return TransientError(msg)
        if isinstance(error, (urllib3.exceptions.LocationValueError, UnicodeError)):
            return SettingsError(_no_way(host))
        return TransientError(_unreachable(host, error))


def host_of(settings: Settings) -> str | None:
    """Return the name of the API's host."""
    return urlsplit(settings.url).hostname


def receive(line: urllib3.connection.HTTPConnection) -> Answer:
    """Return the answer to the request that was sent last."""
    response = line.getresponse()
    answer = Answer(response.status, response.headers, response.data)
    if response.headers.get("Connection", "").lower() == "close":
        line.close()
    return answer


def open_pool(settings: Settings) -> tuple[str, dict[str, str], urllib3.HTTPConnectionPool]:
    """Return what the target of each request begins with, the headers of all, and where a connection comes from.

    `requests` looks up the proxies and certificates of this machine's environment, once. From there on its connections
    are used as they are: its session would look for cookies and hooks at each request, and follow redirects, with the
    credentials' headers, to whatever host is named.
    """
    url = settings.url
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1)
    try:
        request = session.prepare_request(requests.Request("GET", url, headers=_own_headers(settings)))
        found = session.merge_environment_settings(url, {}, None, None, None)
        pool = adapter.get_connection_with_tls_context(request, found["verify"], found["proxies"], found["cert"])
        adapter.cert_verify(pool, url, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
    except (requests.exceptions.RequestException, urllib3.exceptions.LocationValueError, UnicodeError):
        raise SettingsError(_no_way(host_of(settings))) from None
    except OSError:
        msg = "there are no certificates at the path that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE gives"
        raise SettingsError(msg) from None
    connections = t.cast("urllib3.HTTPConnectionPool", pool)
    headers = {name: str(value) for name, value in request.headers.items()}
    headers["Host"] = urlsplit(request.url or url).netloc.rpartition("@")[2]
    prefix = adapter.request_url(request, found["proxies"]).rstrip("/")
    if prefix.startswith("http"):  # a proxy takes the request itself, and its credentials with it
        headers |= connections.proxy_headers or {}
    return prefix, headers, connections


def _own_headers(settings: Settings) -> dict[str, str]:
    headers = {
        "api_key": settings.api_key,
        "access_token": settings.access_token,
        "User-Agent": settings.user_agent or f"tap-contentstack/{version('tap-contentstack')}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }
    if settings.branch:
        headers["branch"] = settings.branch
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            msg = f"setting '{name.lower().replace('-', '_')}' has characters that no HTTP header can carry"
            raise SettingsError(msg)
    return headers


def _no_way(host: str | None) -> str:
    return f"no request can be made to {host}: check base_url and the proxy settings of this machine"


def _unreachable(host: str | None, error: Exception) -> str:
    text = str(error).lower()
    if "resolve" in text or "name or service" in text:
        return f"the host {host} is unknown: check region and base_url"
    if "refused" in text:
        return f"{host} refuses connections: check region and base_url"
    return f"the connection to {host} broke off"
