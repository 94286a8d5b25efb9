"""Which streams are loaded together: as few processes as pay, and none with two giants."""

from __future__ import annotations

import heapq
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = 100
"""Items on a page of the feed, at most."""


def pages_left(known: dict[str, t.Any], items: int | None) -> int:
    """Return about how many pages a stream's next load reads; at least one.

    Args:
        known: What the store has of the stream: its bookmark, and how many pages the last delta had.
        items: How many items an initial pass would bring, if that is known.
    """
    bookmark = known.get("bookmark") or {}
    if bookmark.get("replication_key_value"):
        return max(1, known.get("pages", 1))
    total = bookmark.get("items_total") if bookmark.get("pagination_token") else items
    return max(1, -(-((total or 0) - bookmark.get("items_seen", 0)) // PAGE))


def pack(pages: Mapping[str, int], shards: int, pages_per_shard: int) -> list[list[str]]:
    """Spread streams over shards: the longest first, each to the shard that has the least.

    Args:
        pages: How many pages each stream has.
        shards: How many shards there may be.
        pages_per_shard: How many pages a shard must have to be worth the seconds that its processes take to start.
    """
    count = max(1, min(shards, len(pages), sum(pages.values()) // pages_per_shard))
    heap: list[tuple[int, int, list[str]]] = [(0, number, []) for number in range(count)]
    for stream in sorted(pages, key=lambda name: (-pages[name], name)):
        load, number, streams = heap[0]
        streams.append(stream)
        heapq.heapreplace(heap, (load + pages[stream], number, streams))
    return [streams for _, _, streams in sorted(heap) if streams]
