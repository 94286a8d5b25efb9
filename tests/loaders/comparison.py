"""What a loader holds against what is published, up to what it is known to alter."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from tests.model.compare import row_differences
from tests.model.target import ADDED, Table
from tests.tap_process import ITEM_KEYS, LIST_KEYS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.loaders.places import Loader, Place
    from tests.loaders.scenario import Phase

Json: t.TypeAlias = dict[str, t.Any]
Key: t.TypeAlias = tuple[t.Any, ...]
Properties: t.TypeAlias = dict[str, Json]

ESCAPES = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


def keys(rows: list[Json], stream: str) -> set[Key]:
    found = [tuple(row[key] for key in LIST_KEYS.get(stream, ITEM_KEYS)) for row in rows]
    assert len(set(found)) == len(found), f"{stream} holds a key twice"
    return set(found)


def differences(phase: Phase, loader: Loader, place: Place) -> Iterator[str]:
    """Yield what is not as it is published when a place is read as documented."""
    for stream, expected in phase.lists.items():
        if found := keys(place.exact(stream), stream) ^ expected:
            yield f"{stream}: {sorted(found)}"
    for stream, events in phase.items.items():
        rows = {tuple(row[key] for key in ITEM_KEYS): row for row in place.exact(stream)}
        if rows.keys() != events.keys():
            extra, missing = rows.keys() - events.keys(), events.keys() - rows.keys()
            yield f"{stream} holds {sorted(extra)} and lacks {sorted(missing)}"
        properties = phase.output.schemas.get(stream, {}).get("properties", {})
        table = Table(dates={name for name, each in properties.items() if each.get("format") == "date-time"})
        for key in rows.keys() & events.keys():
            data, row = json.loads(events[key].data), rows[key]
            for name in loader.alters:
                data, row = ALTERATIONS[name](data, row, properties)
            event = dataclasses.replace(events[key], data=json.dumps(data).encode())
            for difference in row_differences(row, event, table, stream):
                yield f"{stream} {key}: {difference}"


# What loaders alter: each returns the published data as the loader has it, and the row as it can be compared with that.


def capital_letters(data: Json, row: Json, properties: Properties) -> tuple[Json, Json]:
    """Names of columns are in lower case."""
    assert all(name == name.lower() for name in row)
    names = {name.lower(): name for name in properties}
    return data, {names.get(name, name): value for name, value in row.items()}


def empty_texts(data: Json, row: Json, _: Properties) -> tuple[Json, Json]:
    """An empty text is null."""
    return {name: None if value == "" else value for name, value in data.items()}, row


def escaped_whitespace(data: Json, row: Json, _: Properties) -> tuple[Json, Json]:
    """A line break or tab is a backslash and a letter."""
    return {name: value.translate(ESCAPES) if isinstance(value, str) else value for name, value in data.items()}, row


def pythons_notation(data: Json, row: Json, properties: Properties) -> tuple[Json, Json]:
    """Lists, objects and times are in Python's notation, all values are texts: compared where that can be undone."""
    simple = {name for name, each in properties.items() if not {"array", "object"} & set(each["type"])}
    simple -= {name for name in simple - ADDED if f"'{name}" in (row["_unmapped"] or "")}
    read = {name: of_text(value, properties[name]) for name, value in row.items() if name in simple}
    return {name: value for name, value in data.items() if name in simple}, read


def of_text(value: str | None, schema: Json) -> t.Any:
    if value is None:
        return None
    if "boolean" in schema["type"]:
        return {"True": True, "False": False}[value]
    if schema.get("format") == "date-time":
        return value.replace(" ", "T").replace("+00:00", "Z")
    return json.loads(value) if {"number", "integer"} & set(schema["type"]) else value


ALTERATIONS: dict[str, Callable[[Json, Json, Properties], tuple[Json, Json]]] = {
    "capital letters": capital_letters,
    "empty texts": empty_texts,
    "line breaks and tabs": escaped_whitespace,
    "Python's notation": pythons_notation,
}
