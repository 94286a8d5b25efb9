"""HTTP/1.1 over a socket: keep-alive, one send per response, and the faults that spoil one."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
import uuid
import zlib
from collections import OrderedDict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.admin import PREFIX, administer
from sandbox.event import encode
from sandbox.faults import Fault
from sandbox.page import Page, encode_response
from sandbox.recorded_request import RecordedRequest
from sandbox.refusal import Refusal, invalid

if TYPE_CHECKING:
    from sandbox.service import Sandbox

REPLACING = {"status", "html", "reset", "refused_token"}
TOO_MANY = Fault(status=429)
TOO_LONG = Fault(status=414)
LONGEST_URL = 8 * 1024
GZIP_FROM = 1024
KEPT_PAGES = 2048
DRIPS = 20
HTML = b"<!DOCTYPE html><title>Bad gateway</title><h1>The upstream server did not answer</h1>"


def pack(body: bytes, *, accepted: bool) -> tuple[bytes, bool]:
    """Compress a body, as fast as possible, where that is accepted and worth it."""
    if not accepted or len(body) <= GZIP_FROM:
        return body, False
    compressor = zlib.compressobj(1, wbits=31)
    return compressor.compress(body) + compressor.flush(), True


class Server(ThreadingHTTPServer):
    """Accepts connections in a thread until it is stopped."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        """Listen and serve at once."""
        super().__init__(("127.0.0.1", port), Handler)
        self.sandbox = sandbox
        self.compressed: OrderedDict[str, tuple[bytes, bool]] = OrderedDict()
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self._stopping = False
        self._thread = Thread(target=self._serve, name="sandbox", daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Bind without the base class's name lookup, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def _serve(self) -> None:
        while not self._stopping:
            self.handle_request()

    def stop(self) -> None:
        """Stop listening and close the connections."""
        self._stopping = True
        # A connection wakes the thread at once, where serve_forever would poll.
        socket.create_connection(("127.0.0.1", self.server_port)).close()
        self._thread.join()
        self.server_close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to close it at the stop."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up; print all other errors."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def packed(self, answer: Page | Any, *, accepted: bool) -> tuple[bytes, bool]:
        """Write a response; return it and whether it is compressed.

        Compressed pages are kept where a key stands for them, as a CDN would.
        """
        key = answer.key if isinstance(answer, Page) else None
        if key is None or not accepted:
            return pack(encode_response(answer), accepted=accepted)
        with self._lock:
            kept = self.compressed.get(key)
        if kept is None:
            kept = pack(encode_response(answer), accepted=True)
            with self._lock:
                self.compressed[key] = kept
                if len(self.compressed) > KEPT_PAGES:
                    self.compressed.popitem(last=False)
        return kept


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Answer the delivery API, or the admin of the sandbox."""
        if self.path.startswith(PREFIX):
            self._administer()
        else:
            self._deliver()

    def do_POST(self) -> None:
        """Answer the admin."""
        self._administer()

    def do_DELETE(self) -> None:
        """Answer the admin."""
        self._administer()

    def log_message(self, *_: Any) -> None:
        """Log nothing: the requests are recorded."""

    def _administer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            arguments = json.loads(body or b"{}")
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            self._send(400, encode({"error": "the body must be a JSON object"}))
            return
        path = urlsplit(self.path).path
        status, answer = administer(self.server.sandbox, self.command, path, arguments)
        self._send(status, encode(answer))

    def _deliver(self) -> None:
        sandbox = self.server.sandbox
        url = urlsplit(self.path)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if sandbox.latency:
            time.sleep(sandbox.latency)
        passes, extra = sandbox.throttle()
        fault = sandbox.faults.strike(self.path, params) if passes else TOO_MANY
        status, body, more = self._answer(url.path, params, headers, fault)
        extra |= more | {"x-request-id": uuid.uuid4().hex}
        if fault is not None:
            extra |= fault.all_headers(sandbox.now())
            if fault.kind != "drip":
                time.sleep(fault.delay)
        # Recorded first, so that a client that has its response finds the request recorded.
        sandbox.requests.append(RecordedRequest(self.command, url.path, params, headers, status, time.monotonic()))
        self._send(status, body, extra, fault)

    def _answer(
        self,
        path: str,
        params: dict[str, str],
        headers: dict[str, str],
        fault: Fault | None,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Return the status, the body, and headers that belong to it."""
        accepted = "gzip" in headers.get("accept-encoding", "")
        try:
            if fault is not None and fault.kind in REPLACING:
                return _replaced(fault, params)
            if len(self.path) > LONGEST_URL:
                return _replaced(TOO_LONG, params)
            answer, told = self.server.sandbox.cached_answer(path, params, headers)
        except Refusal as refusal:
            return refusal.status, encode(refusal.body), {}
        body, zipped = self.server.packed(answer, accepted=accepted)
        return 200, body, told | ({"Content-Encoding": "gzip"} if zipped else {})

    def _send(
        self,
        status: int,
        body: bytes,
        extra: dict[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        kind = fault.kind if fault is not None else None
        if kind == "reset":
            self._reset()
            return
        if kind == "truncated":
            body = body[: len(body) // 2]
        headers = {
            "Content-Type": "text/html" if kind == "html" else "application/json",
            "Content-Length": str(len(body)),
            "Date": self.date_time_string(),
            "Vary": "Accept-Encoding",
        }
        lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
        lines += [f"{name}: {value}" for name, value in (headers | (extra or {})).items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if kind == "cut":
            self.wfile.write(head + body[: len(body) // 2])
            self.close_connection = True
        elif kind == "drip" and fault is not None:
            self._drip(head, body, fault.delay)
        else:
            self.wfile.write(head + body)

    def _drip(self, head: bytes, body: bytes, seconds: float) -> None:
        self.wfile.write(head)
        step = max(1, -(-len(body) // DRIPS))
        for start in range(0, len(body), step):
            time.sleep(seconds / DRIPS)
            self.wfile.write(body[start : start + step])

    def _reset(self) -> None:
        """Close the socket itself with no time to linger, which sends RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())


def _replaced(fault: Fault, params: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    """Return what a fault puts in the place of the response.

    Raises:
        Refusal: The fault is an error in the API's words.
    """
    if fault.kind == "html":
        return fault.status, HTML if fault.body is None else fault.body.encode(), {}
    if fault.kind == "reset":
        return 0, b"", {}
    if fault.kind == "refused_token":
        raise invalid("sync_token" if "sync_token" in params else "pagination_token")
    message = fault.message or _phrase(fault.status)
    blamed = () if fault.fields is None else fault.fields
    raise Refusal(fault.status, fault.code or fault.status, message, *blamed, blames=fault.fields is not None)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
