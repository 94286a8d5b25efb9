"""A stream's bookmark: the only memory between two runs."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from tap_contentstack.schema.stream_schemas import LOAD_VERSION
from tap_contentstack.values.times import in_utc

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

FORMAT = 1
REPLICATION_KEY = "sync_token"
REPLICATION_KEY_VALUE = "replication_key_value"
HAD_ROWS = "HAD_ROWS"
MISCOUNTED = "MISCOUNTED"


@dataclass(kw_only=True)
class Bookmark:
    """How far a stream's target table is, and what it was loaded for.

    Attributes:
        sync_token: Where the next delta begins; None while an initial pass is under way.
        pagination_token: Where an initial pass resumes; None at its start and after its end.
        items_seen: Items of the initial pass's pages so far, to be compared with the API's `total_count`; for a list,
            the rows of its last load.
        items_total: The `total_count` of the pass's first page; one that changes between pages means that they shifted.
        restarts: What the pass has restarted for already, over all runs, until its sync token is reached; and
            `HAD_ROWS`, if there were rows before it; `MISCOUNTED`, if a delta was read once whose count is wrong.
        full_load_at: When the last initial pass ended: a time in UTC.
        served_at: When a run last moved the bookmark: a time in UTC. Those that wait longest come first.
        version: The table's version, in every RECORD.
        scope: Fingerprint of what the tokens were issued for.
        content_type_uid: The content type of a typed stream.
        locales: Locales that the stream's rows have been published to.
        types: The type of each column at its first load; in parentheses if it is deselected now, None if it was never
            loaded (or the state held something else). Deselected columns keep a key, because a scheduler that merges
            states by key would keep the old value.
    """

    sync_token: str | None = None
    pagination_token: str | None = None
    items_seen: int = 0
    items_total: int | None = None
    restarts: list[str] = field(default_factory=list)
    full_load_at: str | None = None
    served_at: str | None = None
    version: int | None = None
    scope: str | None = None
    content_type_uid: str | None = None
    locales: list[str] = field(default_factory=list)
    types: dict[str, str | None] = field(default_factory=dict)

    def to_state(self) -> dict[str, t.Any]:
        """Return the bookmark as it stands in the state: always with all keys, as schedulers merge states by key.

        `restarts`, `locales` and `types` are not copied, which would take most of the time of a page's end: they are
        replaced, never changed in place.
        """
        state = {
            "replication_key": REPLICATION_KEY,
            REPLICATION_KEY_VALUE: self.sync_token,
            **vars(self),
            "format": FORMAT,
        }
        del state["sync_token"]
        return state

    def advance(self, pagination_token: str | None, sync_token: str | None, items_seen: int) -> None:
        """Move on: to the next page of an initial pass, or to a sync token, at the end of one or of a delta."""
        self.pagination_token = pagination_token
        self.sync_token = sync_token
        self.items_seen = items_seen
        if sync_token:
            self.items_seen, self.items_total, self.restarts = 0, None, []

    def add_locales(self, locales: set[str]) -> None:
        """Remember that the stream holds rows of these locales."""
        if not locales.issubset(self.locales):
            self.locales = sorted(locales.union(self.locales))

    @property
    def knows_rows(self) -> bool:
        """Whether the table has rows: of its version, or of the one before, as they stay until the sweep."""
        return bool(self.locales) or HAD_ROWS in self.restarts

    def note_restart(self, reason: str | None) -> None:
        """Remember why the pass restarts; None forgets all reasons, so that the next run may restart for each again."""
        kept = self.restarts if reason else [each for each in self.restarts if each == HAD_ROWS]
        self.restarts = sorted({*kept, *([reason] if reason else [])})

    @property
    def full_load_time(self) -> float:
        """When the last initial pass ended, in seconds since 1970; where that is not known, when it began."""
        if self.full_load_at is None:
            return float(self.version or 0)
        return dt.datetime.fromisoformat(self.full_load_at).timestamp()

    def first_types(self) -> dict[str, str]:
        """Return the type that each column was first loaded with."""
        return {column: kind.strip("()") for column, kind in self.types.items() if kind}

    def lacks(self, columns: Iterable[str]) -> list[str]:
        """Return those of the columns whose values the rows lack, or hold outdated.

        These are columns that were deselected until now, and columns whose name differs only in case from one that the
        rows have: a field came or went beside another, and values have moved between the two. A bookmark that does not
        remember `_load_version` is older than that column.
        """
        known = {name.casefold() for name in (*self.types, LOAD_VERSION)}
        return [column for column in columns if column.casefold() in known and not _is_loaded(self.types.get(column))]

    def remember(self, types: Mapping[str, str], selected: Collection[str]) -> None:
        """Remember the first types of columns, and which of these are deselected."""
        first, result = self.first_types(), dict(self.types)
        for column, kind in types.items():
            if column in selected:
                result[column] = first.get(column, kind)
            else:
                result[column] = f"({first[column]})" if column in first else None
        named = {column.casefold() for column in types}
        self.types = {
            column: None if column not in types and column.casefold() in named else kind
            for column, kind in result.items()
        }

    def start_over(self, version: int, scope: str) -> None:
        """Begin an initial pass; the columns keep their types, as the table stays."""
        if self.locales:
            self.restarts = sorted({*self.restarts, HAD_ROWS})
        self.sync_token = self.pagination_token = None
        self.items_seen = 0
        self.items_total = None
        self.version = version
        self.scope = scope
        self.locales = []


def read_bookmark(state: Mapping[str, t.Any] | None) -> tuple[Bookmark, str | None]:
    """Return the bookmark that a state holds, and what is wrong with it if a run cannot resume from it.

    Of a damaged bookmark the version, the column types and the content type are kept where they are sound, and that
    there were rows: the table they describe is still there.
    """
    if state is None:
        return Bookmark(), None
    state = {**_ADDED_LATER, **state} if REPLICATION_KEY_VALUE in state else state
    damaged = sorted(key for key, sound in _SOUND.items() if key in state and not sound(state[key]))
    kept = {key: value for key, value in state.items() if key in _SOUND and key not in damaged}
    types = state.get("types")
    knew_rows = bool(state.get("locales")) or HAD_ROWS in kept.get("restarts", ())
    bookmark = Bookmark(
        restarts=[HAD_ROWS] if knew_rows else [],
        version=kept.get("version"),
        content_type_uid=kept.get("content_type_uid"),
        types={name: _text_or_none(kind) for name, kind in types.items()} if isinstance(types, dict) else {},
    )
    if damaged:
        return bookmark, f"its {', '.join(damaged)} cannot be understood"
    if (missing := sorted(_SOUND.keys() - kept.keys())) and kept:
        return bookmark, f"it has no {', '.join(missing)}"
    if not kept:
        return bookmark, "it was not written by this tap"
    if bookmark.version is None or kept["scope"] is None:
        return bookmark, "it has a token but no version or scope" if kept[REPLICATION_KEY_VALUE] else None
    if kept[REPLICATION_KEY_VALUE] and kept["pagination_token"]:
        return bookmark, "it has both a sync token and a pagination token"
    kept["sync_token"] = kept[REPLICATION_KEY_VALUE]
    whole = {each.name: kept[each.name] for each in fields(Bookmark)}
    whole |= {each: _time_or_none(kept[each]) for each in ("full_load_at", "served_at")}
    return Bookmark(**whole | {"types": bookmark.types, "locales": sorted(set(kept["locales"]))}), None


def _is_loaded(kind: str | None) -> bool:
    return kind is not None and not kind.startswith("(")


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time_or_none(value: str | None) -> str | None:
    return None if value is None else in_utc(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text_or_none(value: object) -> bool:
    return value is None or (isinstance(value, str) and value != "")


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, str) and in_utc(value) is not None)


_ADDED_LATER: Mapping[str, t.Any] = MappingProxyType(
    {"items_total": None, "restarts": [], "full_load_at": None, "served_at": None}
)
"""Keys that the first version did not write: a state without them is sound."""
_SOUND: dict[str, t.Callable[[t.Any], bool]] = {
    "replication_key": lambda value: value == REPLICATION_KEY,
    REPLICATION_KEY_VALUE: _is_text_or_none,
    "pagination_token": _is_text_or_none,
    "items_seen": _is_count,
    "items_total": lambda value: value is None or _is_count(value),
    "restarts": _is_list_of_texts,
    "full_load_at": _is_time,
    "served_at": _is_time,
    "version": lambda value: value is None or (_is_count(value) and 0 < value < 2**62),
    "scope": _is_text_or_none,
    "content_type_uid": _is_text_or_none,
    "locales": _is_list_of_texts,
    "types": lambda value: isinstance(value, dict) and all(isinstance(kind, str | None) for kind in value.values()),
    "format": lambda value: value == FORMAT and not isinstance(value, bool),
}
