"""Writes RECORD messages as lines of JSON, joined from bytes: the default output."""

from __future__ import annotations

import datetime as dt
import typing as t
from itertools import repeat

import msgspec
from typing_extensions import override

from tap_contentstack.records.output import Output
from tap_contentstack.schema.stream_schemas import LOAD_VERSION
from tap_contentstack.singer.writer import to_json

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.fast import FastItem, Part
    from tap_contentstack.records.output import Splice
    from tap_contentstack.singer.writer import Writer

encode_lines = msgspec.json.Encoder().encode_lines


class LineOutput(Output):
    """Writes RECORD messages as lines; a message is a tuple of the parts of its line."""

    def __init__(self, writer: Writer, stream: str, columns: Collection[str]) -> None:
        """Prepare the parts that all lines share.

        Args:
            writer: Where the lines go.
            stream: The stream's name in the messages.
            columns: The selected columns.
        """
        self._writer = writer
        self._columns = frozenset(columns)
        self._head = b'{"type":"RECORD","stream":' + to_json(stream) + b',"record":'
        self._has_time = "_sync_event_at" in self._columns
        self._has_references = "_references" in self._columns
        self._tail = b""

    @override
    def begin(self, version: int | None) -> None:
        super().begin(version)
        self._tail = b""

    @property
    @override
    def splice(self) -> Splice:
        return self._splice

    def _splice(self, rows: Sequence[tuple[Change, FastItem]]) -> None:
        head = self._head
        tail = b"}" + (self._tail or self._new_tail())
        before_links = b',"_references":' if self._has_references else b""
        links_of = _texts_of(rows) if self._has_references else repeat(b"")
        has_time = self._has_time
        shared_by: dict[tuple[str | None, str, str], bytes] = {}
        for (row, item), links in zip(rows, links_of, strict=False):  # the last line of links ends with a line end, too
            key = row.locale, row.event, row.content_type_uid
            if item.unmapped:
                shared = self._shared(*key, unmapped=item.unmapped)
            elif (shared := shared_by.get(key, b"")) == b"":
                shared = shared_by[key] = self._shared(*key)
            time = f',"_sync_event_at":"{row.event_at}"'.encode() if has_time else b""
            row.message = head, item.columns, shared, time, before_links, links, tail

    def _shared(
        self, locale: str | None, event: str, content_type_uid: str, *, unmapped: dict[str, t.Any] | None = None
    ) -> bytes:
        """Return the added columns that most rows of a page share, as the text that follows the data columns."""
        values = {
            "_publish_locale": locale,
            "_content_type_uid": content_type_uid or None,
            "_sync_type": event,
            "_sdc_deleted_at": None,
            "_unmapped": unmapped,
            LOAD_VERSION: self.version,
        }
        selected = {column: value for column, value in values.items() if column in self._columns}
        return b"," + to_json(selected)[1:-1]

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> tuple[bytes, ...]:
        selected = {column: value for column, value in record.items() if column in self._columns}
        if LOAD_VERSION in self._columns:
            selected[LOAD_VERSION] = self.version
        return self._head, to_json(selected), self._tail or self._new_tail()

    def _new_tail(self) -> bytes:
        """Return the end of all messages until the next write: the messages of a page share their time."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").encode()
        self._tail = b',"version":%d,"time_extracted":"%s"}\n' % (self.version, now)
        return self._tail

    @override
    def write(self, messages: Iterable[Iterable[Part]]) -> None:
        self._writer.write_lines(messages)
        self._tail = b""


def _texts_of(rows: Sequence[tuple[Change, FastItem]]) -> Iterable[bytes]:
    """Return the JSON of each row's links: encoded in one call, a line each, and split at the line ends."""
    return encode_lines([item.links for _, item in rows]).split(b"\n")
