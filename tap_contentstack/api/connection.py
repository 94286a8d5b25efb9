"""HTTP connections to the API: one for each thread, with one prefetched request."""

from __future__ import annotations

import http.client
import threading
import typing as t
import zlib
from http import HTTPStatus

import urllib3

from tap_contentstack.api.pool import host_of, no_request_possible, open_pool
from tap_contentstack.api.responses import Response
from tap_contentstack.errors import ApiError, SettingsError, TransientError
from tap_contentstack.values.texts import one_line

if t.TYPE_CHECKING:
    from tap_contentstack.config.settings import Settings

LARGEST = 64 * 1024 * 1024
"""Bytes of a body, unpacked: a page of a hundred entries of 600 kB each passes, and a gzip bomb does not."""

LOST = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,  # a length beyond all bounds
    zlib.error,
    http.client.HTTPException,
    urllib3.exceptions.HTTPError,
)
"""Errors that mean that no response could be read."""


class Connections:
    """Each thread's own connection: a response that is on its way belongs to the thread that asked for it."""

    def __init__(self, settings: Settings) -> None:
        """Prepare the first one, for this thread.

        Raises:
            SettingsError: No request can be made with these settings.
        """
        self._settings = settings
        self._threads = threading.local()
        self._threads.own = Connection(settings)

    @property
    def own(self) -> Connection:
        """The connection of the thread that asks."""
        if (own := getattr(self._threads, "own", None)) is None:
            own = self._threads.own = Connection(self._settings)
        return t.cast("Connection", own)


class Connection:
    """A connection to the API's host, for one thread.

    A request can be sent ahead, so that its response arrives while the thread works on the page before. This needs no
    second thread, which would have to be woken for each page, usually on another core, and share the interpreter.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare the connection; the first request opens it.

        Raises:
            SettingsError: No request can be made with these settings.
        """
        self._settings = settings
        self._prefix, self._headers, self._pool = open_pool(settings)
        self._timeout = urllib3.Timeout(connect=settings.request_timeout, read=settings.request_timeout)
        self._line: urllib3.connection.HTTPConnection | None = None
        self._awaited: str | None = None

    def ask(self, target: str) -> Response:
        """Send a request and return its response.

        Args:
            target: Path and query.

        Raises:
            TransientError: No response; a retry may succeed.
            ApiError: No retry will help.
        """
        self._forget()
        try:
            raw = self._pool.urlopen(
                "GET",
                f"{self._prefix}{target}",
                headers=self._headers,
                retries=False,
                redirect=False,
                assert_same_host=False,  # the connections may be a proxy's
                timeout=self._timeout,
                preload_content=False,
            )
            self._line = t.cast("urllib3.connection.HTTPConnection | None", raw.connection)
            return self._final(_read(raw))
        except LOST as error:
            raise self._failure(error) from None

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent ahead: no response is pending, and none has arrived unrequested."""
        return self._line is not None and self._awaited is None and self._line.is_connected

    def prefetch(self, target: str) -> None:
        """Send a request whose response is collected later; only while the connection is open."""
        if (line := self._line) is None:
            return
        try:
            line.request("GET", f"{self._prefix}{target}", headers=self._headers, preload_content=False)
        except LOST:
            line.close()
        else:
            self._awaited = target

    def collect(self, target: str) -> Response | None:
        """Return the response to a request that was sent ahead; None if it was not, or if the response was lost.

        A slow target can hold a thread up for longer than a server waits, so a lost response is not reported.

        Raises:
            TransientError: The response is not final, or has not arrived in time.
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

    def _final(self, response: Response) -> Response:
        """Return a final response: after an interim one the final one follows, which the next request would read.

        Raises:
            TransientError: It is an interim response (RFC 9110, 15.2).
        """
        if response.status >= HTTPStatus.OK:
            return response
        if self._line is not None:
            self._line.close()
        msg = (
            f"{host_of(self._settings)} sent nothing after HTTP {response.status}: check whether a proxy is interfering"
        )
        raise TransientError(msg)

    def _forget(self) -> None:
        """Drop an uncollected response, with its connection, so that it is not taken for the next one."""
        if self._awaited is not None and self._line is not None:
            self._awaited = None
            self._line.close()

    def _failure(self, error: Exception) -> Exception:
        """Return the error to raise, with a sentence for the user."""
        host = host_of(self._settings)
        if isinstance(error, urllib3.exceptions.ProxyError):
            reason = one_line(str(error.original_error).rpartition(": ")[2])
            msg = f"the proxy cannot reach {host} ({reason}): check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
            return TransientError(msg)
        if isinstance(error, urllib3.exceptions.SSLError):
            if "certificate" not in str(error).lower():
                return TransientError(f"the TLS connection to {host} was lost")
            return ApiError(
                f"the certificate of {host} is not trusted on this machine: check base_url and REQUESTS_CA_BUNDLE"
            )
        if isinstance(error, urllib3.exceptions.NewConnectionError):
            return TransientError(_unreachable(host, error))
        if isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError)):
            seconds = self._settings.request_timeout
            msg = f"{host} did not answer within {seconds:g} seconds: check the network, or raise request_timeout"
            return TransientError(msg)
        if isinstance(error, (urllib3.exceptions.LocationValueError, UnicodeError)):
            return SettingsError(no_request_possible(host))
        return TransientError(_unreachable(host, error))


def receive(line: urllib3.connection.HTTPConnection) -> Response:
    """Return the response to the request that was sent last."""
    raw = line.getresponse()
    response = _read(raw)
    if raw.headers.get("Connection", "").lower() == "close":
        line.close()
    return response


def _read(raw: urllib3.BaseHTTPResponse) -> Response:
    """Return a response with its body, of which at most `LARGEST` bytes are unpacked.

    Raises:
        ApiError: It is larger.
    """
    announced = raw.headers.get("Content-Length", "")
    length = raw.length_remaining if announced.isdecimal() else None  # none either if the body comes in chunks
    is_large = length is not None and length > LARGEST
    # What is bounded already is read without an amount, for which urllib3 would copy the body.
    is_bounded = length is not None and "Content-Encoding" not in raw.headers
    body = b"" if is_large else raw.read(None if is_bounded else LARGEST + 1)
    if is_large or len(body) > LARGEST:
        raw.close()
        msg = f"a response is larger than {LARGEST >> 20} MiB, which no page of the API should be: check base_url"
        raise ApiError(msg)
    return Response(raw.status, raw.headers, body)


def _unreachable(host: str | None, error: Exception) -> str:
    text = str(error).lower()
    if "resolve" in text or "name or service" in text:
        return f"the host {host} is unknown: check region and base_url"
    if "refused" in text:
        return f"{host} refuses connections: check region and base_url"
    return f"the connection to {host} was lost"
