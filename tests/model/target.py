"""A target in memory that obeys the Singer rules as the real ones do, and notes where the tap does not.

What the real ones were seen to do, and this one does too: rows are upserted by key, and a row keeps the values of
columns that a later schema no longer has; ACTIVATE_VERSION takes effect for its stream at once; streams are drained
one by one, so after a crash each of them has got another prefix of the output; a state is confirmed when everything
before it is in the tables; a column keeps its type.
"""

from __future__ import annotations

import datetime
import gzip
import json
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

import jsonschema
import msgspec

from tests.model.maps import MADE
from tests.tap_process import BOOKMARK_KEYS, LOAD_VERSION, LOADS

if t.TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping

Json: t.TypeAlias = dict[str, t.Any]
Key: t.TypeAlias = tuple[t.Any, ...]

VERSION_COLUMN = "_sdc_table_version"
ADDED = {
    "_publish_locale",
    "_content_type_uid",
    "_sync_type",
    "_sync_event_at",
    "_sdc_deleted_at",
    "_references",
    "_unmapped",
    LOAD_VERSION,
    VERSION_COLUMN,
}


class RuleBrokenError(Exception):
    """The tap wrote what no Singer target takes, or what the contracts forbid."""


class LoadStoppedError(Exception):
    """A column would have to change its type in a way that real targets do not survive."""

    def __init__(self, stream: str, column: str, old: str, new: str) -> None:
        super().__init__(f"{stream}.{column} is {old} and would become {new}")
        self.stream, self.column = stream, column


@dataclass(slots=True)
class Row:
    """A row of a table."""

    values: Json
    version: int | None

    @property
    def live(self) -> bool:
        return self.values.get("_sdc_deleted_at") is None


@dataclass(slots=True)
class Table:
    """A table: its rows, the type that each column was created with, and the columns of the last schema.

    Also the columns that any schema had as dates: an empty text in one of these may be null.
    """

    rows: dict[Key, Row] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    dates: set[str] = field(default_factory=set)

    def upsert(self, message: Json) -> None:
        """Put a row in the place of the one with its key; columns that the schema no longer has keep their values."""
        record = message["record"]
        key = tuple(record[column] for column in self.keys)
        kept = self.rows[key].values if key in self.rows else {}
        self.rows[key] = Row({**kept, **dict.fromkeys(self.current), **record}, message.get("version"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What becomes of a run's output when it is cut short.

    Attributes:
        cut: The share of the bytes that the target reads.
        at_state: Whether the cut is right behind a STATE: the share is one of all STATEs then.
        confirm: `none` of the states, the `last` one that was read, or `any`.
    """

    cut: float
    at_state: bool = False
    confirm: t.Literal["none", "last", "any"] = "any"


@dataclass
class Transcript:
    """The messages of a run, checked."""

    lines: list[bytes]
    messages: list[Json] = field(default_factory=list)
    _schemas: dict[str, tuple[t.Any, list[str]]] = field(default_factory=dict)
    _announced: dict[str, set[int]] = field(default_factory=dict)
    _swept: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read and check every line.

        Raises:
            RuleBrokenError: One is not as it has to be.
        """
        checks = {
            "SCHEMA": self._check_schema,
            "RECORD": self._check_record,
            "ACTIVATE_VERSION": self._check_sweep,
            "STATE": self._check_state,
            "BATCH": self._check_batch,
        }
        for line in self.lines:
            if not line.endswith(b"\n"):
                fail("a line has no end", line)
            message = msgspec.json.decode(line)
            self.messages.append(message)
            if message["type"] not in checks:
                fail("an unknown message", line)
            if "stream" in message and message["type"] != "SCHEMA" and message["stream"] not in self._schemas:
                fail(f"a {message['type']} before its SCHEMA", line)
            checks[message["type"]](message, line)

    def _check_schema(self, message: Json, line: bytes) -> None:
        if message["stream"] in self._schemas:
            fail("a second SCHEMA", line)
        self._schemas[message["stream"]] = validator_of(message["schema"]), message["key_properties"]

    def _check_record(self, message: Json, line: bytes) -> None:
        stream = message["stream"]
        validator, keys = self._schemas[stream]
        record = message["record"]
        for error in validator.iter_errors(record):
            fail(f"a RECORD that its SCHEMA forbids at {list(error.absolute_path)} ({error.message})", line)
        if any(record.get(key) in {None, ""} for key in keys):
            fail("a RECORD without its key", line)
        if stream == LOADS:
            return
        if record.get(LOAD_VERSION) != message.get("version"):
            fail("a RECORD that does not carry its version", line)
        if message.get("version") not in self._announced.get(stream, set()):
            fail("a RECORD of a version that no STATE announced", line)
        if message["version"] < self._swept.get(stream, 0):
            fail("a RECORD of a version that was swept", line)

    def _check_batch(self, message: Json, line: bytes) -> None:
        """Read a batch's files; its records carry their version as a column."""
        message["records"] = []
        for name in message["manifest"]:
            with gzip.open(unquote(urlsplit(name).path)) as file:
                records = [msgspec.json.decode(each) for each in file]
            for record in records:
                single = {"stream": message["stream"], "record": record, "version": record.get(VERSION_COLUMN)}
                self._check_record(single, line)
                message["records"].append(single)

    def _check_sweep(self, message: Json, _: bytes) -> None:
        self._swept[message["stream"]] = message["version"]

    def _check_state(self, message: Json, line: bytes) -> None:
        for name, bookmark in message["value"].get("bookmarks", {}).items():
            if name in self._schemas and BOOKMARK_KEYS - bookmark.keys():
                fail(f"bookmark {name} has not all of its keys", line)
            if name in self._schemas and (forgotten := self.columns(name) - {*bookmark["types"], MADE}):
                fail(f"bookmark {name} does not remember {sorted(forgotten)}", line)
            if isinstance(bookmark, dict) and isinstance(bookmark.get("version"), int):
                self._announced.setdefault(name, set()).add(bookmark["version"])

    def columns(self, stream: str) -> set[str]:
        """Return a stream's columns, but for the key and what the tap adds; none if it has no SCHEMA."""
        if stream not in self._schemas:
            return set()
        validator, keys = self._schemas[stream]
        return validator.schema["properties"].keys() - {*keys, *ADDED}

    def versions(self, stream: str) -> set[int]:
        """Return the versions that the states announce for a stream."""
        return self._announced.get(stream, set())

    def records_of_others(self, streams: Collection[str] = ()) -> list[Json]:
        """Return the records of all streams but some."""
        records: list[Json] = []
        for message in self.messages:
            if message.get("stream") not in streams:
                records += [message] if message["type"] == "RECORD" else message.get("records", ())
        return records


class Target:
    """The tables, and the last state that was confirmed."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}

    def load(self, transcript: Transcript, loss: Loss | None, chance: random.Random) -> Json | None:
        """Load a run's output, all of it or what a crash leaves of it; return the state that is confirmed, if any.

        Raises:
            LoadStoppedError: A column would have to change its type.
        """
        messages = transcript.messages
        if loss is None:
            states = [message["value"] for message in messages if message["type"] == "STATE"]
            for message in messages:
                self._apply(message)
            return states[-1] if states else None
        cut = lines_read(transcript, loss)
        states = [n for n in range(cut) if messages[n]["type"] == "STATE"]
        confirmed = -1
        if states and loss.confirm == "last":
            confirmed = states[-1]
        elif states and loss.confirm == "any":
            confirmed = chance.choice([-1, *states])
        limits: dict[str, int] = {}
        for number, message in enumerate(messages[:cut]):
            stream = message.get("stream")
            if stream is None:
                continue
            if stream not in limits:
                limits[stream] = cut if chance.random() < 0.5 else chance.randint(confirmed + 1, cut)
            if number < limits[stream]:
                self._apply(message)
        return None if confirmed < 0 else messages[confirmed]["value"]

    def _apply(self, message: Json) -> None:
        kind = message["type"]
        if kind == "STATE":
            return
        table = self.tables.setdefault(message["stream"], Table())
        if kind == "SCHEMA":
            table.keys = tuple(message["key_properties"])
            table.current = tuple(message["schema"]["properties"])
            add_columns(message["stream"], table, message["schema"])
        elif kind == "RECORD":
            table.upsert(message)
        elif kind == "BATCH":
            for each in message["records"]:
                table.upsert(each)
        elif kind == "ACTIVATE_VERSION":
            version = message["version"]
            gone = [key for key, row in table.rows.items() if row.version is None or row.version < version]
            for key in gone:
                del table.rows[key]

    def copy(self) -> Target:
        """Return another target that holds the same; rows are values."""
        other = Target()
        other.tables = {
            name: replace(table, rows=dict(table.rows), columns=dict(table.columns), dates=set(table.dates))
            for name, table in self.tables.items()
        }
        return other

    def live(self, stream: str) -> dict[Key, Row]:
        """Return the rows of a stream that are not deleted."""
        table = self.tables.get(stream)
        return {key: row for key, row in table.rows.items() if row.live} if table else {}

    def drop(self) -> None:
        """Drop all tables."""
        self.tables.clear()


def lines_read(transcript: Transcript, loss: Loss) -> int:
    """Return how many whole lines of a run the target reads."""
    if loss.at_state:
        ends = [number for number, message in enumerate(transcript.messages, 1) if message["type"] == "STATE"]
        return ends[int(loss.cut * len(ends))] if ends else 0
    left = loss.cut * sum(map(len, transcript.lines))
    for number, line in enumerate(transcript.lines):
        left -= len(line)
        if left < 0:
            return number
    return len(transcript.lines)


def add_columns(stream: str, table: Table, schema: Json) -> None:
    for column, described in schema["properties"].items():
        new = column_type(described)
        old = table.columns.setdefault(column, new)
        if new == "date-time":
            table.dates.add(column)
        if new == "string" and old != "string":
            raise LoadStoppedError(stream, column, old, new)


def column_type(described: Json) -> str:
    types = described.get("type", [])
    names = sorted({types} if isinstance(types, str) else set(types) - {"null"})
    return str(described.get("format") or "/".join(names))


def fail(rule: str, line: bytes) -> t.NoReturn:
    msg = f"{rule}: {line[:2000].decode(errors='replace').strip()}"
    raise RuleBrokenError(msg)


_formats = jsonschema.FormatChecker(())


@_formats.checks("date-time")
def is_date_time(value: object) -> bool:
    """Return whether a timestamp column without zone takes a value as it is meant."""
    if not isinstance(value, str):
        return True
    try:
        datetime.datetime.fromisoformat(value)
    except ValueError:
        return False
    return value.endswith("Z")


_validators: dict[str, t.Any] = {}


def validator_of(schema: Mapping[str, t.Any]) -> t.Any:
    """Return a validator; the same schemas come again and again."""
    text = json.dumps(schema)
    if text not in _validators:
        _validators[text] = jsonschema.Draft7Validator(schema, format_checker=_formats)
    return _validators[text]
