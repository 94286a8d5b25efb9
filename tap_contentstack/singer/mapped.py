"""Writes RECORD messages through the SDK: stream maps, flattening, deselection of nested properties."""

from __future__ import annotations

import datetime as dt
import typing as t

from singer_sdk.singerlib.encoding.simple import RecordMessage
from typing_extensions import override

from tap_contentstack.records.output import Output
from tap_contentstack.schema.stream_schemas import LOAD_VERSION, VERSION_COLUMN
from tap_contentstack.sdk import pop_deselected_record_properties

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_contentstack.singer.guarded import GuardedMap
    from tap_contentstack.singer.writer import Writer


class MappedOutput(Output):
    """Writes RECORD messages through the SDK."""

    def __init__(
        self, writer: Writer, maps: Sequence[GuardedMap], schema: dict[str, t.Any], mask: SelectionMask
    ) -> None:
        """Prepare the output of one stream.

        Args:
            writer: Where the messages go.
            maps: The stream's maps.
            schema: The stream's schema in use, deselected columns included.
            mask: What is selected.
        """
        self._writer = writer
        self._maps = [each for each in maps if not each.removes_all]
        self._schema = schema
        self._mask = mask
        self._version_columns = [column for column in (LOAD_VERSION, VERSION_COLUMN) if column in schema["properties"]]

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> t.Any:
        now = dt.datetime.now(dt.UTC)
        return [
            RecordMessage(stream=alias, record=mapped, version=self.version, time_extracted=now)
            for alias, mapped in self.mapped(record, updates=updates)
        ]

    def mapped(self, record: dict[str, t.Any], *, updates: bool) -> list[tuple[str, dict[str, t.Any]]]:
        """Return the mapped records, each with the name of its stream in the target."""
        record = {column: value for column, value in record.items() if column in self._schema["properties"]}
        pop_deselected_record_properties(record, self._schema, self._mask)
        record |= dict.fromkeys(self._version_columns, self.version)
        return [(each.alias, mapped) for each in self._maps for mapped in each.rows(record, updates=updates)]

    @override
    def write(self, messages: Iterable[t.Any]) -> None:
        for several in messages:
            for message in several:
                self._writer.write_message(message)
