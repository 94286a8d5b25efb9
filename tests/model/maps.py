"""Stream maps: rows go in and out of a filter as their version grows, columns are made and taken away."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.event import Event

Json: t.TypeAlias = dict[str, t.Any]

MADE = "shout"
REMOVED = "updated_by"
EVERY = 3
"""Each so many versions of an item, the filter drops it."""
_MAP: Json = {
    "__filter__": f"_version % {EVERY}",
    MADE: "title.upper() if title else None",
    REMOVED: None,
    "_sdc_deleted_at": None,  # which no map can take away
}
MAPS: Json = {"entries*": _MAP, "assets": _MAP}


def lets_through(event: Event) -> bool:
    """Return whether the filter lets an item through."""
    return bool(json.loads(event.data)["_version"] % EVERY)


def map_differences(values: Json) -> Iterator[str]:
    """Yield what the map should have made of a row and did not."""
    title = values.get("title")
    expected = title.upper() if title else None
    if values.get(MADE) != expected:
        yield f"{MADE} is {values.get(MADE)!r} and not {expected!r}"
    if REMOVED in values:
        yield f"{REMOVED} is there"
