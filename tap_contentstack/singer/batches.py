"""Writes records to batch files, each announced by a BATCH message."""

from __future__ import annotations

import typing as t

from singer_sdk.batch import Batcher
from typing_extensions import override

from tap_contentstack.errors import TapError
from tap_contentstack.sdk import SDKBatchMessage
from tap_contentstack.singer.mapped import MappedOutput
from tap_contentstack.values.texts import shown

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.singerlib import SelectionMask

    from tap_contentstack.sdk import BatchConfig
    from tap_contentstack.singer.guarded import GuardedMap
    from tap_contentstack.singer.writer import Writer


class BatchOutput(MappedOutput):
    """Writes records to files, each announced by a BATCH message.

    A BATCH message has no version for the records of its file, so the version is a column.
    """

    def __init__(
        self,
        writer: Writer,
        maps: Sequence[GuardedMap],
        schema: dict[str, t.Any],
        mask: SelectionMask,
        *,
        tap: str,
        config: BatchConfig,
    ) -> None:
        """Prepare the output of one stream.

        Args:
            writer: Where the messages go.
            maps: The stream's maps.
            schema: The stream's schema in use, deselected columns included.
            mask: What is selected.
            tap: The tap's name, a part of the files' names.
            config: Format, size and location of the files.
        """
        super().__init__(writer, maps, schema, mask)
        self._tap = tap
        self._config = config
        self._records: dict[str, list[dict[str, t.Any]]] = {}

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> list[tuple[str, dict[str, t.Any]]]:
        return self.mapped(record, updates=updates)

    @override
    def write(self, messages: Iterable[list[tuple[str, dict[str, t.Any]]]]) -> None:
        for several in messages:
            for stream, record in several:
                records = self._records.setdefault(stream, [])
                records.append(record)
                if len(records) >= self._config.batch_size:
                    self._flush(stream)

    @override
    def begin(self, version: int | None) -> None:
        super().begin(version)
        self._records = {}  # of a version that nothing will activate

    @property
    @override
    def holds_back(self) -> bool:  # type: ignore[override]
        return any(self._records.values())

    @override
    def finish(self) -> None:
        for stream in self._records:
            self._flush(stream)

    def _flush(self, stream: str) -> None:
        records = self._records[stream]
        if not records:
            return
        batcher = Batcher(tap_name=self._tap, stream_name=stream, batch_config=self._config)
        try:
            manifests = list(batcher.get_batches(iter(records)))
        except Exception as error:  # each kind of storage has its own
            msg = f"batch files cannot be written to '{shown(self._config.storage.root)}' ({shown(error)})"
            raise TapError(msg) from error
        self._records[stream] = []  # not before, or a checkpoint could cover records that were not written
        for manifest in manifests:
            self._writer.write_message(
                SDKBatchMessage(stream=stream, encoding=self._config.encoding, manifest=manifest)
            )
