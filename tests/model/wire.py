"""The way from the tap's connections to the sandbox, without a socket, and with the faults that a network has."""

from __future__ import annotations

import functools
import io
import json
import typing as t
from dataclasses import dataclass
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import urllib3
from typing_extensions import override

from sandbox.event import encode
from sandbox.page import encode_response
from sandbox.refusal import Refusal, invalid

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox import Fault, Sandbox

HTML = b"<!DOCTYPE html><title>Bad gateway</title>"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came through, and whether the answer is a page with published items."""

    path: str
    params: dict[str, str]
    status: int
    listed: bool = False


def refuse(fault: Fault, params: Mapping[str, str]) -> None:
    """Refuse a request, if that is what the fault does.

    Raises:
        Refusal: It is.
    """
    if fault.kind == "refused_token":
        raise invalid("sync_token" if "sync_token" in params else "pagination_token")
    if fault.kind == "status":
        raise Refusal(fault.status, fault.code or fault.status, "No.")


class Line:
    """Stands for an open connection, on which a request can be sent before its answer is waited for."""

    is_connected = True

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._answer: Callable[[], urllib3.HTTPResponse] = mock.Mock(side_effect=AssertionError("nothing was sent"))

    def request(self, method: str, target: str, *, headers: Mapping[str, str], **_: t.Any) -> None:
        """Send a request, which is answered now or when the answer is waited for."""
        self._answer = functools.partial(self._wire.urlopen, method, target, headers=headers)
        if self._wire.lazy:
            return
        try:
            response = self._answer()
            response.data  # noqa: B018 - reads it
        except urllib3.exceptions.HTTPError as error:
            self._answer = mock.Mock(side_effect=error)
        else:
            self._answer = lambda: response

    def getresponse(self) -> urllib3.HTTPResponse:
        """Return the answer."""
        return self._answer()

    def close(self) -> None:
        """Close."""
        self.is_connected = False


class Response(urllib3.HTTPResponse):
    """An answer that tells on which connection it came."""

    line: Line

    @property
    @override
    def connection(self) -> t.Any:
        return self.line


class Wire:
    """Stands for the pools of connections, and answers their requests from a sandbox in the same process.

    Attributes:
        asked: What was asked so far.
        faults: Answers that were spoiled.
        short_page: The first page of the feed with items, from this request on, lacks one of them.
        hidden_type: A content type that lists do not have, though it is there.
        lazy: Whether a request that is sent ahead is answered when its answer is waited for, not when it is sent.
    """

    def __init__(self, sandbox: Sandbox, before: Callable[[int], None], after: Callable[[int], None]) -> None:
        """Take the sandbox, and what is to happen before and after the answer to each request, by its number."""
        self._sandbox = sandbox
        self._before, self._after = before, after
        self.asked: list[Asked] = []
        self.faults = 0
        self.short_page: int | None = None
        self.hidden_type: str | None = None
        self.lazy = False

    def urlopen(self, method: str, target: str, *, headers: Mapping[str, str], **_: t.Any) -> urllib3.HTTPResponse:
        """Answer a request."""
        number = len(self.asked)
        url = urlsplit(target)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in headers.items()}
        self._before(number)
        fault = self._sandbox.faults.strike(f"{url.path}?{url.query}", params)
        self.faults += fault is not None
        status, body = self._answer(url.path, params, headers, fault)
        self.asked.append(Asked(url.path, params, status, listed=b'_published",' in body))
        self._after(number)
        return self._response(method, status, body, fault)

    def _answer(
        self, path: str, params: dict[str, str], headers: Mapping[str, str], fault: Fault | None
    ) -> tuple[int, bytes]:
        try:
            if fault is not None and fault.kind == "html":
                return fault.status, HTML
            if fault is not None and fault.kind == "reset":
                return 0, b""
            if fault is not None:
                refuse(fault, params)
            return 200, self._lacking(path, encode_response(self._sandbox.answer(path, params, headers)))
        except Refusal as refusal:
            return refusal.status, encode(refusal.body)

    def _lacking(self, path: str, body: bytes) -> bytes:
        """Take out of an answer what is to be missing from it."""
        if path == "/v3/stacks/sync" and self.short_page is not None and len(self.asked) >= self.short_page:
            page = json.loads(body)
            if page["items"]:
                self.short_page = None
                self.faults += 1
                return encode(page | {"items": page["items"][1:]})
        if path == "/v3/content_types" and self.hidden_type:
            answer = json.loads(body)
            answer["content_types"] = [each for each in answer["content_types"] if each["uid"] != self.hidden_type]
            answer["count"] = len(answer["content_types"])
            return encode(answer)
        return body

    def _response(self, method: str, status: int, body: bytes, fault: Fault | None) -> urllib3.HTTPResponse:
        kind = fault.kind if fault else None
        if kind == "reset":
            msg = "Connection reset by peer"
            raise urllib3.exceptions.ProtocolError(msg)
        length = len(body)
        if kind in {"cut", "truncated"}:
            body = body[: length // 2]
        headers = {"Content-Type": "text/html" if kind == "html" else "application/json"}
        headers["Content-Length"] = str(length if kind == "cut" else len(body))
        headers |= fault.all_headers(self._sandbox.now()) if fault else {}
        response = Response(
            io.BytesIO(body), headers=headers, status=status, request_method=method, preload_content=False
        )
        response.line = Line(self)
        return response
