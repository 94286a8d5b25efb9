"""The delivery API as fast as loopback allows: pages rendered ahead, nothing remembered; a process of its own.

`python -m benchmarks.server '{"content_types": 16, …}'` prints its port and serves until its stdin is closed. What a
feed holds is in the tokens: `page.<type>.<n>` and `change.<type>.<n>` are pages of an initial pass and of a delta,
`sync.<type>` begins the delta, and `done.<type>` an empty one. `/counts` tells how many requests were answered.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import typing as t
from collections import Counter
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from benchmarks.content import LOCALE, PAGE_SIZE, Pages, content_type

if t.TYPE_CHECKING:
    from collections.abc import Sequence

CONTENT_TYPES_PATH = "/v3/content_types"
SYNC_PATH = "/v3/stacks/sync"
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What the server serves.

    Attributes:
        content_types: How many content types there are, all alike.
        pages: Pages of 100 entries that each of them has.
        changed_pages: Pages of 100 events in the delta of each.
        latency: Seconds from a request to its response.
        oddity: Why entries do not fit their content type, if some do not (see `benchmarks.content`).
        odd_share: Share of entries that have it.
        locales: What entries are published to, in turn.
        compressed: Whether responses are gzipped.
    """

    content_types: int = 1
    pages: int = 1
    changed_pages: int = 0
    latency: float = 0.0
    oddity: str = ""
    odd_share: float = 1.0
    locales: Sequence[str] = (LOCALE,)
    compressed: bool = False

    def to_json(self) -> str:
        """Return the text that the server's command takes."""
        return json.dumps(asdict(self))


class Service:
    """Answers requests; knows nothing of connections."""

    def __init__(self, stack: Stack) -> None:
        """Render what can be rendered ahead."""
        self._stack = stack
        self.uids = [f"type_{number:02d}" for number in range(stack.content_types)]
        self._pages = {
            uid: Pages(uid, number, oddity=stack.oddity, odd_share=stack.odd_share, locales=stack.locales)
            for number, uid in enumerate(self.uids)
        }
        self.counts: Counter[str] = Counter()

    def answer(self, target: str) -> tuple[int, bytes]:
        """Return the status and the body for a request's target."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/counts":
            return 200, json.dumps(self.counts).encode()
        self.counts[parts.path] += 1
        if parts.path == SYNC_PATH:
            return self._sync(query)
        if parts.path == CONTENT_TYPES_PATH:
            return 200, self._content_types(int(query.get("skip", "0")))
        return 404, _refusal("Not found", 404, {})

    def _content_types(self, skip: int) -> bytes:
        listed = [content_type(uid) for uid in self.uids[skip : skip + PAGE_SIZE]]
        return json.dumps({"content_types": listed, "count": len(self.uids)}).encode()

    def _sync(self, query: dict[str, str]) -> tuple[int, bytes]:
        if "init" in query:
            wanted = query.get("content_type_uid")
            if wanted is None:  # assets, or all entries: only as many as a feed without content has
                return 200, _page(b"[]", 0, 0, "sync_token", "done.assets")
            kind, uid, number = "page", wanted, 0
        else:
            token = query.get("pagination_token") or query.get("sync_token") or ""
            kind, _, rest = token.partition(".")
            uid, _, position = rest.partition(".")
            number = int(position or 0)
        if kind == "done":
            return 200, b'{"items":[],"sync_token":"done.%s"}' % uid.encode()
        if uid not in self._pages or kind not in {"page", "change", "sync"}:
            return 422, _refusal("Sync failed", 141, {"sync_token": ["is not valid."]})
        return 200, self._feed_page(kind, uid, number)

    def _feed_page(self, kind: str, uid: str, number: int) -> bytes:
        pages = self._pages[uid]
        initial = kind == "page"
        last = self._stack.pages if initial else self._stack.changed_pages
        items = pages.initial(number) if initial else pages.mixed(number)
        if number + 1 < last:
            name, token = "pagination_token", f"{'page' if initial else 'change'}.{uid}.{number + 1}"
        else:
            changes = initial and self._stack.changed_pages
            name, token = "sync_token", f"{'sync' if changes else 'done'}.{uid}"
        return _page(items, number * PAGE_SIZE, last * PAGE_SIZE, name, token)


def _page(items: bytes, skip: int, total: int, name: str, token: str) -> bytes:
    head = b'{"skip":%d,"limit":100,"total_count":%d,"%s":"%s","items":' % (skip, total, name.encode(), token.encode())
    return head + items + b"}"


def _refusal(message: str, code: int, errors: dict[str, list[str]]) -> bytes:
    return json.dumps({"error_message": message, "error_code": code, "errors": errors}).encode()


class Connection(asyncio.Protocol):
    """Speaks as much HTTP/1.1 as a client needs that sends one request at a time."""

    def __init__(self, service: Service, stack: Stack) -> None:
        """Take what answers."""
        self._service = service
        self._latency = stack.latency
        self._compressed = stack.compressed
        self._received = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = t.cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        while END_OF_HEAD in self._received:
            head, _, self._received = self._received.partition(END_OF_HEAD)
            target = head.split(b" ", 2)[1].decode()
            status, body = self._service.answer(target)
            encoding = b""
            if self._compressed:
                body = gzip.compress(body, 1)
                encoding = b"Content-Encoding: gzip\r\n"
            response = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
                status,
                encoding,
                len(body),
                body,
            )
            if self._latency and target != "/counts":
                asyncio.get_running_loop().call_later(self._latency, self._send, response)
            else:
                self._send(response)

    def _send(self, response: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(response)


async def serve(stack: Stack) -> None:
    """Serve on a free port, told on stdout, until stdin is closed."""
    loop = asyncio.get_running_loop()
    service = Service(stack)
    server = await loop.create_server(lambda: Connection(service, stack), "127.0.0.1", 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Stack(**json.loads(sys.argv[1]))))
