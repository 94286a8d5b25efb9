"""What a target holds against what is published: row by row, field by field, up to the normalisations that are told."""

from __future__ import annotations

import datetime
import fnmatch
import json
import re
import typing as t

from sandbox import clock
from sandbox.event import SYS_ASSETS, TIE_MILLISECONDS
from tap_contentstack.schema.names import stream_name
from tests.model.maps import MADE, REMOVED, lets_through, map_differences
from tests.model.target import ADDED
from tests.tap_process import LIST_KEYS, LISTS, LOAD_VERSION, LOADS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from sandbox.event import Event
    from tests.model.target import Key, Row, Table
    from tests.model.world import World

Json: t.TypeAlias = dict[str, t.Any]

FLAGS = {"include_global_field_schema": "true"}

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_STEP = re.compile(r'\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_][A-Za-z0-9_]*)')


class Holder(t.Protocol):
    """What has tables."""

    tables: dict[str, Table]

    def live(self, stream: str) -> dict[tuple[t.Any, ...], Row]:
        """Return the rows of a stream that are not deleted, by key."""


def differences(
    world: World,
    settings: Json,
    target: Holder,
    selected: set[str],
    *,
    forgotten: Mapping[str, set[str]] | None = None,
    is_left: Callable[[str, Key], bool] = lambda *_: False,
) -> Iterator[str]:
    """Yield what is wrong in the tables of the selected streams.

    Args:
        world: Where what is published is.
        settings: What of it is in scope.
        target: The tables.
        selected: The streams.
        forgotten: Columns of each table that are not compared.
        is_left: Whether a row may be there that is not published.
    """
    live_from = {key[0]: row.values["version"] for key, row in target.live(LOADS).items()}
    for stream in sorted(selected):
        for key, row in target.live(stream).items():
            if not is_left(stream, key) and row.values[LOAD_VERSION] < live_from.get(stream, 0):
                yield f"{stream} {key} is of version {row.values[LOAD_VERSION]}, before {live_from[stream]}"
        if stream in LISTS:
            yield from _list(world, target, stream)
            continue
        expected = published(world, settings, stream)
        rows = target.live(stream)
        unknown = (forgotten or {}).get(stream, set()) | ({REMOVED} if "stream_maps" in settings else set())
        if extra := {key for key in rows.keys() - expected.keys() if not is_left(stream, key)}:
            yield f"{stream} holds {sorted(extra)}, which are not published"
        if missing := expected.keys() - rows.keys():
            yield f"{stream} lacks {sorted(missing)}"
        for key in sorted(rows.keys() & expected.keys()):
            values = rows[key].values
            if "stream_maps" in settings:
                yield from (f"{stream} {key}: {difference}" for difference in map_differences(values))
                values = {name: value for name, value in values.items() if name != MADE}
            for difference in row_differences(values, expected[key], target.tables[stream], stream, unknown):
                yield f"{stream} {key}: {difference}"


def published(world: World, settings: Json, stream: str) -> dict[tuple[str, str], Event]:
    """Return what a stream's table has to hold: by key, the event that published it."""
    if settings.get("environment", world.stack.environment) != world.stack.environment:
        return {}
    start = settings.get("start_date")
    since = clock.parse(start) if start else 0
    patterns = settings.get("content_types") or ["*"]
    return {
        (event.uid, event.locales[0]): event
        for event in world.stack.live_events()
        if belongs(event.content_type_uid, stream, patterns)
        and event.at >= since
        and (not settings.get("locales") or event.locales[0] in settings["locales"])
        and ("stream_maps" not in settings or lets_through(event))
    }


def belongs(content_type_uid: str, stream: str, patterns: list[str]) -> bool:
    if content_type_uid == SYS_ASSETS:
        return stream == "assets"
    if stream == "entries":
        return any(fnmatch.fnmatchcase(content_type_uid, pattern) for pattern in patterns)
    return stream == stream_name(content_type_uid)


def row_differences(
    values: Json, event: Event, table: Table, stream: str, unknown: Collection[str] = ()
) -> Iterator[str]:
    """Yield in what a row's values are not what was published, but for unknown columns."""
    locale = event.locales[0]
    rounded = -(-event.at // TIE_MILLISECONDS) * TIE_MILLISECONDS
    added: dict[str, tuple[t.Any, ...]] = {
        "_content_type_uid": (event.content_type_uid,),
        "_sync_type": (event.type,),
        "_sync_event_at": (clock.iso(event.at), clock.iso(rounded), *([None] if event.is_untimed else [])),
    }
    for column, possible in added.items():
        if not any(same(values.get(column), value) for value in possible):
            yield f"{column} is {values.get(column)!r} and not {possible[0]!r}"
    rebuilt = rebuild(values, combined=stream == "entries")
    data = cleaned(json.loads(event.data))
    for column in unknown:
        rebuilt.pop(column, None)
        data.pop(column, None)
    bare = {**data, "locale": locale}
    for column in ("publish_details", *unknown):
        bare.pop(column, None)
    first = list(unequal(rebuilt, data, table))
    if first and list(unequal(rebuilt, bare, table)):
        yield first[0]


def rebuild(values: Json, *, combined: bool = False) -> Json:
    """Return an item's data as a row and its `_unmapped` tell of it."""
    data: Json = json.loads(json.dumps({name: value for name, value in values.items() if name not in ADDED}))
    if combined:
        data |= data.pop("data", None) or {}
    for path, value in (values.get("_unmapped") or {}).items():
        put(data, steps_of(path), value)
    return data


def steps_of(path: str) -> list[str | int]:
    """Read a path such as `sections[0].hero["a.b"]`."""
    steps: list[str | int] = []
    end = 0
    while end < len(path):
        match = _STEP.match(path, end)
        assert match, path
        index, quoted, plain = match.groups()
        steps.append(int(index) if index else json.loads(quoted) if quoted else plain)
        end = match.end()
    return steps


def put(holder: t.Any, steps: list[str | int], value: t.Any) -> None:
    for step in steps[:-1]:
        holder = holder[step]
    holder[steps[-1]] = value


def unequal(rebuilt: Json, data: Json, table: Table) -> Iterator[str]:
    """Yield the fields whose value is another; at the top, null and missing are one."""
    for key in sorted(rebuilt.keys() | data.keys()):
        have, want = rebuilt.get(key), data.get(key)
        if want == "" and have is None and key in table.dates:
            continue
        if not same(have, want):
            yield f"{key} is {have!r} and not {want!r}"


def same(have: t.Any, want: t.Any) -> bool:
    """Return whether a value is the published one, up to the normalisations."""
    if isinstance(want, dict):
        return isinstance(have, dict) and have.keys() == want.keys() and all(same(have[key], want[key]) for key in want)
    if isinstance(want, list):
        return isinstance(have, list) and len(have) == len(want) and all(map(same, have, want))
    if isinstance(want, str):
        if isinstance(have, dict):
            return have.keys() == {"uid", "_content_type_uid"} and have["uid"] == want
        return isinstance(have, str) and (have == want or same_moment(have, want))
    return type(have) is type(want) and have == want if isinstance(want, bool) else have == want


def same_moment(have: str, want: str) -> bool:
    try:
        moments = [datetime.datetime.fromisoformat(text) for text in (have, want)]
    except ValueError:
        return False
    return have.endswith("Z") and len({each.replace(tzinfo=each.tzinfo or datetime.UTC) for each in moments}) == 1


def cleaned(value: t.Any) -> t.Any:
    """Return a value without the characters that no target can store."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): cleaned(each) for key, each in value.items()}
    return value


def _list(world: World, target: Holder, stream: str) -> Iterator[str]:
    stack = world.stack
    headers = {"api_key": stack.api_key, "access_token": stack.access_token}

    def listed(path: str, key: str) -> list[Json]:
        answer: t.Any = world.sandbox.answer(f"/v3/{path}", FLAGS, headers)
        items: list[Json] = answer[key]
        return items

    if stream == "taxonomy_terms":
        uids = [each["uid"] for each in listed("taxonomies", "taxonomies")]
        items = [term for uid in uids for term in listed(f"taxonomies/{uid}/terms", "terms")]
    else:
        items = listed(stream, stream)
    expected = {tuple(each[column] for column in LIST_KEYS[stream]): each for each in items}
    rows = target.live(stream)
    if rows.keys() != expected.keys():
        yield f"{stream} holds {sorted(rows)} and not {sorted(expected)}"
        return
    for key, row in rows.items():
        rebuilt = rebuild(row.values)
        for column, want in expected[key].items():
            if not same(rebuilt.get(column), want):
                yield f"{stream} {key}: {column} is {rebuilt.get(column)!r} and not {want!r}"
