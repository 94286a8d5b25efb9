"""The ways in which rows leave the tap: as lines, through stream maps, or in batch files."""

from __future__ import annotations

import abc
import datetime as dt
import typing as t
from itertools import repeat

import msgspec
from singer_sdk.batch import Batcher
from singer_sdk.singerlib.encoding.simple import RecordMessage
from typing_extensions import override

from tap_contentstack.sdk import SDKBatchMessage, pop_deselected_record_properties
from tap_contentstack.singer.pen import encode

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import SelectionMask

    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.fast import FastItem
    from tap_contentstack.sdk import BatchConfig
    from tap_contentstack.singer.pen import Part, Pen


class Output(abc.ABC):
    """Makes messages of records (needs no pen), and writes them (needs it)."""

    takes_lines = False
    """Whether `splice` can be used: the bytes of an item that fits its schema go to the target as they came."""
    version: int = 0
    """The table's version, in every message."""
    holds_back = False
    """Whether some records have not left the tap yet."""

    @abc.abstractmethod
    def message(self, record: dict[str, t.Any]) -> t.Any:
        """Return the message of a record."""

    def begin(self, version: int | None) -> None:
        """Take the version of the messages to come."""
        self.version = version or 0

    @abc.abstractmethod
    def write(self, messages: Iterable[t.Any]) -> None:
        """Write messages that `message` or `splice` made."""

    def splice(self, rows: Sequence[tuple[Change, FastItem]]) -> None:
        """Give rows of items that fit their schema their messages, without building the records."""
        raise NotImplementedError

    def finish(self) -> None:  # noqa: B027 - most hold nothing back
        """Write whatever is still held back: a bookmark follows."""


class PlainOutput(Output):
    """Records as they are, for whoever wants to look at them; nothing is written."""

    @override
    def message(self, record: dict[str, t.Any]) -> dict[str, t.Any]:
        return record

    @override
    def write(self, messages: Iterable[t.Any]) -> None:
        raise NotImplementedError


encode_lines = msgspec.json.Encoder().encode_lines


class LineOutput(Output):
    """RECORD messages as lines, each of which is the parts of its text: the usual way."""

    takes_lines = True

    def __init__(self, pen: Pen, stream: str, columns: Collection[str]) -> None:
        """Prepare the parts that all lines share.

        Args:
            pen: Where the lines go.
            stream: The stream's name in the messages.
            columns: The selected columns.
        """
        self._pen = pen
        self._columns = frozenset(columns)
        self._head = b'{"type":"RECORD","stream":' + encode(stream) + b',"record":'
        self._has_time = "_sync_event_at" in self._columns
        self._has_references = "_references" in self._columns
        self._tail = b""

    @override
    def begin(self, version: int | None) -> None:
        super().begin(version)
        self._tail = b""

    @override
    def splice(self, rows: Sequence[tuple[Change, FastItem]]) -> None:
        head = self._head
        tail = b"}" + (self._tail or self._new_tail())
        before_links = b',"_references":' if self._has_references else b""
        links_of = _texts_of(rows) if self._has_references else repeat(b"")
        has_time = self._has_time
        shared_by: tuple[str | None, str, str] | None = None
        for (row, item), links in zip(rows, links_of, strict=False):  # the last line of links has an end, too
            key = row.locale, row.event, row.content_type_uid
            if key != shared_by:
                shared, shared_by = self._shared(*key), key
            time = f',"_sync_event_at":"{row.event_at}"'.encode() if has_time else b""
            row.message = head, item.columns, shared, time, before_links, links, tail

    def _shared(self, locale: str | None, event: str, content_type_uid: str) -> bytes:
        """Return the added columns that few rows differ in, as text that goes on after the data columns."""
        values = {
            "_publish_locale": locale,
            "_content_type_uid": content_type_uid,
            "_sync_type": event,
            "_sdc_deleted_at": None,
            "_unmapped": None,
        }
        selected = {column: value for column, value in values.items() if column in self._columns}
        return b"," + encode(selected)[1:-1]

    @override
    def message(self, record: dict[str, t.Any]) -> tuple[bytes, ...]:
        selected = {column: value for column, value in record.items() if column in self._columns}
        return self._head, encode(selected), self._tail or self._new_tail()

    def _new_tail(self) -> bytes:
        """Return how messages end until they are written: they share the time of their page."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").encode()
        self._tail = b',"version":%d,"time_extracted":"%s"}\n' % (self.version, now)
        return self._tail

    @override
    def write(self, messages: Iterable[Iterable[Part]]) -> None:
        self._pen.write_lines(messages)
        self._tail = b""


def _texts_of(rows: Sequence[tuple[Change, FastItem]]) -> Iterable[bytes]:
    """Return the text of each row's links: encoded at once, a line each, for no line of JSON has a line end in it."""
    return encode_lines([item.links for _, item in rows]).split(b"\n")


class MappedOutput(Output):
    """RECORD messages as the SDK makes them: with stream maps, flattening, and nested columns deselected."""

    def __init__(self, pen: Pen, maps: list[StreamMap], schema: dict[str, t.Any], mask: SelectionMask) -> None:
        """Take what the SDK knows of the stream."""
        self._pen = pen
        self._maps = maps
        self._schema = schema
        self._mask = mask

    @override
    def message(self, record: dict[str, t.Any]) -> list[RecordMessage]:
        now = dt.datetime.now(dt.UTC)
        return [
            RecordMessage(stream=alias, record=mapped, version=self.version, time_extracted=now)
            for alias, mapped in self.mapped(record)
        ]

    def mapped(self, record: dict[str, t.Any]) -> list[tuple[str, dict[str, t.Any]]]:
        """Return what the stream maps make of a record, with the name of the stream that it goes to."""
        record = {column: value for column, value in record.items() if column in self._schema["properties"]}
        pop_deselected_record_properties(record, self._schema, self._mask)
        results = [(each.stream_alias, each.transform(record)) for each in self._maps]
        return [(alias, mapped) for alias, mapped in results if mapped is not None]

    @override
    def write(self, messages: Iterable[list[RecordMessage]]) -> None:
        for several in messages:
            for message in several:
                self._pen.write_message(message)


class BatchOutput(Output):
    """Files of records, each announced by a BATCH message.

    Targets give records of files no version of their own, so the version goes along as a column.
    """

    def __init__(self, mapped: MappedOutput, pen: Pen, tap: str, config: BatchConfig) -> None:
        """Take the way that single records would go, and where files are to be written."""
        self._mapped = mapped
        self._pen = pen
        self._tap = tap
        self._config = config
        self._records: dict[str, list[dict[str, t.Any]]] = {}

    @override
    def message(self, record: dict[str, t.Any]) -> list[tuple[str, dict[str, t.Any]]]:
        return self._mapped.mapped({**record, "_sdc_table_version": self.version})

    @override
    def write(self, messages: Iterable[list[tuple[str, dict[str, t.Any]]]]) -> None:
        for several in messages:
            for stream, record in several:
                records = self._records.setdefault(stream, [])
                records.append(record)
                if len(records) >= self._config.batch_size:
                    self._flush(stream)

    @property
    @override
    def holds_back(self) -> bool:  # type: ignore[override]
        return any(self._records.values())

    @override
    def finish(self) -> None:
        for stream in self._records:
            self._flush(stream)

    def _flush(self, stream: str) -> None:
        records, self._records[stream] = self._records[stream], []
        if not records:
            return
        batcher = Batcher(tap_name=self._tap, stream_name=stream, batch_config=self._config)
        for manifest in batcher.get_batches(iter(records)):
            self._pen.write_message(SDKBatchMessage(stream=stream, encoding=self._config.encoding, manifest=manifest))
