"""Requests that are sent ahead of their turn, over real sockets: whose answer is whose, what becomes of lost ones."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import socket
import ssl
import threading
import time
import typing as t
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox import Fault
from tap_contentstack.api.connection import LARGEST, Connection, Connections
from tap_contentstack.errors import ApiError, TransientError
from tests.settings import read_settings
from tests.tap_process import wait_until

TYPES = "/v3/content_types?environment=production"
ONE = f"{TYPES}&limit=1"
PAUSE = 0.05
CREDENTIALS = {"api_key": "blt1", "access_token": "cs1", "environment": "production"}


@pytest.fixture
def connection(sandbox) -> Connection:
    return Connection(read_settings({**sandbox.settings, "request_timeout": 0.5}))


def types_in(response) -> int:
    assert response.status == 200
    return len(json.loads(response.body)["content_types"])


def test_an_answer_is_on_its_way_before_it_is_wanted(sandbox, connection):
    connection.ask(TYPES)
    connection.prefetch(ONE)
    wait_until(lambda: len(sandbox.requests) == 2)
    assert types_in(connection.collect(ONE)) == 1
    assert connection.is_open


def test_a_request_that_is_sent_ahead_is_like_any_other(sandbox, connection):
    connection.ask(ONE)
    connection.prefetch(ONE)
    connection.collect(ONE)
    asked, ahead = sandbox.requests
    assert (asked.path, asked.params, asked.headers) == (ahead.path, ahead.params, ahead.headers)


def test_an_answer_that_nobody_collects_is_not_taken_for_another(connection):
    everything = types_in(connection.ask(TYPES))
    connection.prefetch(ONE)
    assert types_in(connection.ask(TYPES)) == everything > 1
    connection.prefetch(TYPES)
    assert connection.collect(ONE) is None
    assert types_in(connection.ask(ONE)) == 1
    assert connection.collect(TYPES) is None


@pytest.mark.parametrize(
    ("target", "encoding"), [(TYPES, "gzip"), ("/v3/content_types/nothing?environment=production", None)]
)
def test_an_answer_is_the_same_in_both_ways(connection, target, encoding):
    asked = connection.ask(target)
    connection.prefetch(target)
    collected = connection.collect(target)
    assert (collected.status, collected.body) == (asked.status, asked.body)
    for name in ("content-type", "Content-Type"):
        assert collected.headers[name] == asked.headers[name]
    assert collected.headers.get("Content-Encoding") == asked.headers.get("Content-Encoding") == encoding


def test_an_answer_is_collected_once(connection):
    connection.ask(TYPES)
    connection.prefetch(ONE)
    assert connection.collect(ONE)
    assert connection.collect(ONE) is None


@pytest.mark.parametrize("kind", ["reset", "cut", "broken gzip"])
def test_an_answer_that_is_lost_can_be_asked_for_again(sandbox, connection, kind):
    connection.ask(TYPES)
    if kind == "broken gzip":
        sandbox.faults.add(Fault(kind="html", status=200, headers={"Content-Encoding": "gzip"}))
    else:
        sandbox.faults.add(Fault(kind=kind))
    connection.prefetch(ONE)
    assert connection.collect(ONE) is None
    assert not connection.is_open
    assert types_in(connection.ask(ONE)) == 1
    assert connection.is_open


def test_an_answer_is_waited_for_as_long_as_the_settings_say(sandbox, connection):
    connection.ask(TYPES)
    sandbox.faults.add(Fault(kind="slow", delay=1))
    connection.prefetch(ONE)
    with pytest.raises(TransientError, match=r"did not answer within 0\.5 seconds"):
        connection.collect(ONE)
    assert not connection.is_open
    assert types_in(connection.ask(ONE)) == 1


def test_nothing_is_sent_ahead_on_a_connection_that_is_not_there(sandbox, connection):
    assert not connection.is_open
    connection.prefetch(ONE)
    sandbox.faults.add(Fault(kind="cut"))
    with suppress(Exception):
        connection.ask(TYPES)
    assert not connection.is_open
    assert connection.collect(ONE) is None


def test_a_server_that_says_it_closes_is_not_asked_on_the_same_connection(sandbox, connection):
    sandbox.faults.add(Fault(kind="slow", status=200, headers={"Connection": "close"}))
    connection.ask(TYPES)
    assert not connection.is_open
    assert types_in(connection.ask(ONE)) == 1
    sandbox.faults.add(Fault(kind="slow", status=200, headers={"Connection": "close"}))
    connection.prefetch(TYPES)
    assert connection.collect(TYPES)
    assert not connection.is_open


def test_each_thread_has_a_connection_of_its_own(sandbox):
    connections = Connections(read_settings(sandbox.settings))
    connections.own.ask(TYPES)
    connections.own.prefetch(ONE)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lambda: (connections.own.is_open, connections.own.collect(ONE))).result() == (False, None)
        everything = other.submit(lambda: types_in(connections.own.ask(TYPES))).result()
        assert other.submit(lambda: connections.own.is_open).result()
    assert types_in(connections.own.collect(ONE)) == 1 < everything


def certificate_for(host: str) -> bytes:
    """Return a self-signed certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private


class Site(BaseHTTPRequestHandler):
    """Answers with what it was asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps([self.path, dict(self.headers)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def answer(body: bytes, *headers: str, length: object = None) -> bytes:
    """Return the bytes of a good answer."""
    length = len(body) if length is None else length
    return "\r\n".join(["HTTP/1.1 200 -", f"Content-Length: {length}", *headers, "", ""]).encode() + body


class Proxy(ThreadingHTTPServer):
    """Leads every CONNECT to one port of this machine, and notes it."""

    leads_to = 0
    daemon_threads = True

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self.tunnels: list[tuple[str, str | None]] = []
        self.script: dict[str, list[bytes]] = {}


class Script(Site):
    """Answers with the bytes that its server has for a path, each of which is sent with a pause after it."""

    server: Proxy

    def do_GET(self):
        for part in self.server.script[self.path]:
            self.wfile.write(part)
            time.sleep(PAUSE)


class Tunnel(Site):
    """One tunnel."""

    server: Proxy

    def do_CONNECT(self):
        self.server.tunnels.append((self.path, self.headers["Proxy-Authorization"]))
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", self.server.leads_to)) as site:
            self.wfile.write(b"HTTP/1.1 200 -\r\n\r\n")
            back = threading.Thread(target=pass_on, args=(site, self.connection))
            back.start()
            pass_on(self.connection, site)
            back.join()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, and the end of it."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def serve():
    servers = []

    def start(handler, context=None):
        server = Proxy(("127.0.0.1", 0), handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tunnels(serve, tmp_path, monkeypatch):
    """A proxy to a host that speaks TLS, of which the environment of this process knows the certificate."""
    pem = tmp_path / "site.pem"
    pem.write_bytes(certificate_for("cdn.example.org"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    proxy = serve(Tunnel)
    proxy.leads_to = serve(Site, context).server_port
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://user:pass@127.0.0.1:{proxy.server_port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    return proxy.tunnels


@pytest.fixture
def script(serve):
    """A connection to a server that answers with given bytes, and these bytes, by path."""
    server = serve(Script)
    server.script["/start"] = [answer(b"start")]
    settings = {**CREDENTIALS, "base_url": f"http://127.0.0.1:{server.server_port}", "request_timeout": 0.5}
    return Connection(read_settings(settings)), server.script


@pytest.mark.parametrize("ahead", [False, True])
def test_an_answer_that_comes_behind_an_early_one_is_not_taken_for_the_next(script, ahead):
    connection, answers = script
    answers["/early"] = [b"HTTP/1.1 103 -\r\nLink: </style.css>\r\n\r\n", answer(b"late")]
    answers["/next"] = [answer(b"next")]
    connection.ask("/start")
    if ahead:
        connection.prefetch("/early")
    with pytest.raises(TransientError, match="sent nothing after HTTP 103"):
        connection.collect("/early") or connection.ask("/early")
    assert not connection.is_open
    assert connection.ask("/next").body == b"next"


def test_nothing_is_sent_ahead_behind_what_nobody_asked_for(script):
    connection, answers = script
    answers["/two"] = [answer(b"one"), answer(b"two")]
    connection.ask("/two")
    wait_until(lambda: not connection.is_open)
    assert connection.ask("/start").body == b"start"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
        ("identity", bytes),
    ],
)
def test_an_answer_is_decompressed_whatever_the_server_took(script, encoding, encode):
    connection, answers = script
    answers["/packed"] = [answer(encode(b"body"), f"Content-Encoding: {encoding}")]
    assert connection.ask("/packed").body == b"body"
    connection.prefetch("/packed")
    assert connection.collect("/packed").body == b"body"


@pytest.mark.parametrize(
    "odd",
    [b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", b"HTTP/9 ?\r\n\r\n"],
)
def test_an_answer_that_is_none_is_one_sentence(script, odd):
    connection, answers = script
    answers["/odd"] = [odd]
    connection.ask("/start")
    connection.prefetch("/odd")
    assert connection.collect("/odd") is None
    with pytest.raises(TransientError, match=r"the connection to 127\.0\.0\.1 was lost"):
        connection.ask("/odd")


@pytest.mark.parametrize(
    "large",
    [
        answer(b"", length=10**20),
        answer(gzip.compress(bytes(LARGEST + 1)), "Content-Encoding: gzip"),
    ],
    ids=["announced", "when unpacked"],
)
def test_an_answer_that_is_too_large_is_one_sentence(script, large):
    connection, answers = script
    answers["/large"] = [large]
    connection.ask("/start")
    with pytest.raises(ApiError, match="larger than 64 MiB"):
        connection.ask("/large")
    assert connection.ask("/start").body == b"start"


def test_a_chunk_without_end_is_not_read_to_its_end_whatever_length_is_announced(script):
    connection, answers = script
    head = b"HTTP/1.1 200 -\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers["/large"] = [b"%b%x\r\n%b" % (head, 2 * LARGEST, bytes(LARGEST + 1))]
    connection.ask("/start")
    with pytest.raises(ApiError, match="larger than 64 MiB"):
        connection.ask("/large")


@pytest.mark.parametrize("base_path", ["", "/delivery"])
def test_a_request_is_sent_ahead_through_the_same_tunnel_and_the_proxy_sees_nothing_of_it(tunnels, base_path):
    connection = Connection(read_settings({**CREDENTIALS, "base_url": f"https://cdn.example.org{base_path}"}))
    connection.ask("/one")
    for path in ("/two", "/three"):
        assert connection.is_open
        connection.prefetch(path)
        response = connection.collect(path)
        assert response
        asked, headers = json.loads(response.body)
        assert asked == base_path + path
        assert headers["access_token"] == "cs1"
        assert "Proxy-Authorization" not in headers
    assert tunnels == [("cdn.example.org:443", "Basic dXNlcjpwYXNz")]


def test_a_tunnel_that_is_lost_is_dug_again_before_anything_is_sent(tunnels):
    connection = Connection(read_settings({**CREDENTIALS, "base_url": "https://cdn.example.org"}))
    connection.ask("/one")
    connection.prefetch("/two")
    assert json.loads(connection.ask("/three").body)[0] == "/three"
    assert [host for host, _ in tunnels] == ["cdn.example.org:443"] * 2


@pytest.mark.usefixtures("tunnels")
def test_a_certificate_that_is_not_trusted_is_told(monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(certificate_for("cdn.example.org"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with pytest.raises(ApiError, match=r"the certificate of cdn\.example\.org is not trusted on this machine"):
        Connection(read_settings({**CREDENTIALS, "base_url": "https://cdn.example.org"})).ask("/one")
