"""RECORD messages as the SDK makes them: stream maps, flattening, nested deselection."""

from __future__ import annotations

import datetime as dt
import typing as t

from singer_sdk.singerlib.encoding.simple import RecordMessage
from typing_extensions import override

from tap_contentstack.sdk import pop_deselected_record_properties
from tap_contentstack.singer.output import Output

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import SelectionMask

    from tap_contentstack.singer.pen import Pen


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
