"""Collects what the tap uses of the SDK's internals; `tests/singer/test_sdk.py` checks each of them.

- `Stream.sync` is final and calls `_sync_records` or `_sync_batches`, which write a STATE when they choose. A
  stream of this tap writes its own messages, so that a bookmark never runs ahead of its records.
- The SDK would send a second SCHEMA when a stream is synced again, and an ACTIVATE_VERSION before a full table's
  records; either makes targets lose rows.
- `_write_activate_version_message` knows the names that stream maps give a stream.
- The expressions of a stream map are hidden in closures: `definition_of` reads them, and `evaluate` evaluates one.
- What a catalog says of a stream is read once, into `_metadata`; what no catalog may deselect is put in then.
- Some functions for records and batches, which the SDK's own streams use, have no public name.

Three private methods of `Tap` can only be overridden in its subclass, so tap.py does:

- `_validate_config` and `_env_var_config`: the SDK's messages quote the values, secrets included, and a blank or
  mistyped environment variable ends in a traceback.
- `_handle_termination`: the SDK's writes a STATE from within the signal handler and exits with 0.
"""

from __future__ import annotations

import abc
import inspect
import typing as t

from singer_sdk import Stream
from singer_sdk.configuration._dict_config import TRUTHY, parse_environment_config
from singer_sdk.helpers._batch import BatchConfig, SDKBatchMessage
from singer_sdk.helpers._catalog import get_selected_schema, pop_deselected_record_properties
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.mapper import CustomStreamMap, RemoveRecordTransform, SameRecordTransform
from typing_extensions import override

if t.TYPE_CHECKING:
    import ast
    from collections.abc import Generator

    from singer_sdk.helpers.types import Context, Record, TapState
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import MetadataMapping


__all__ = [
    "TRUTHY",
    "BatchConfig",
    "CustomStreamMap",
    "RemoveRecordTransform",
    "SDKBatchMessage",
    "SelfWritingStream",
    "changes_nothing",
    "classproperty",
    "definition_of",
    "evaluate",
    "is_usable",
    "parse_environment_config",
    "pop_deselected_record_properties",
    "without_replaced",
]


class SelfWritingStream(Stream, abc.ABC):
    """A stream that writes its own records, versions and bookmarks when the SDK syncs it."""

    @abc.abstractmethod
    def load(self) -> None:
        """Write everything that the target lacks of this stream."""

    @property
    def message_writer(self) -> t.Any:
        """The tap's writer of messages; writing requires its lock."""
        return self._tap.message_writer

    _announced = False

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, t.Any, t.Any]:
        self.load()
        yield from ()

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        self.load()

    @override
    def _write_schema_message(self) -> None:
        with self.message_writer:
            if not self._announced:
                self._announced = True
                super()._write_schema_message()

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        return False

    @override
    def finalize_state_progress_markers(self, state: dict[str, t.Any] | None = None) -> None:
        self.write_state()

    @property
    @override
    def metadata(self) -> MetadataMapping:
        """What the catalog says of each column, or the defaults."""
        is_new = self._metadata is None
        metadata = super().metadata
        if is_new:
            if () not in metadata:  # the SDK takes such a stream for selected, but none of its columns
                metadata.root.selected = True
            self.protect(metadata)
        return metadata

    def protect(self, metadata: MetadataMapping) -> None:
        """Keep what no catalog may deselect."""

    @property
    def selected_schema(self) -> dict[str, t.Any]:
        """The schema in use without deselected columns."""
        return get_selected_schema(self.name, self.effective_schema, self.mask)

    def write_state(self) -> None:
        """Write the state of all streams, if it has changed since it was last written."""
        with self.message_writer:
            self._tap.state_writer.write_state(self._tap.state)

    def write_activate_version(self, version: int) -> None:
        """Tell the target to drop the rows of older versions."""
        self._write_activate_version_message(version)

    @property
    @override
    def tap_state(self) -> TapState:
        """The state of all streams."""
        return self._tap.state


def is_usable(batch_config: t.Any) -> bool:
    """Return whether the SDK can write batch files with this configuration, as far as can be checked up front."""
    try:
        BatchConfig.from_dict(batch_config).storage.get_url("file")
    except (TypeError, ValueError, ImportError, OSError, AttributeError):
        return False
    return True


def changes_nothing(maps: list[StreamMap], stream: str) -> bool:
    """Return whether records may bypass the stream maps: only the default map is there, and it does not flatten."""
    only = maps[0]
    return (
        len(maps) == 1
        and type(only) is SameRecordTransform
        and only.stream_alias == stream
        and not only.flattening_enabled
    )


def without_replaced(maps: list[StreamMap]) -> list[StreamMap]:
    """Return a stream's maps without the default one, where another one has its name.

    A definition whose `__source__` is its own name would otherwise write the stream twice to one table.
    """
    default, *others = maps
    names = {each.stream_alias for each in others}
    is_replaced = type(default) is SameRecordTransform and default.stream_alias in names
    return others if is_replaced else maps


class Expression(t.NamedTuple):
    """An expression of a stream map: its text, and the text parsed."""

    text: str
    parsed: ast.Expr


class MapDefinition(t.NamedTuple):
    """What a stream map does.

    Attributes:
        expressions: By column.
        removed: The columns that it leaves out.
        keeps_others: Whether it passes on the columns that it does not mention.
        filter: Which records it passes on; all if None.
    """

    expressions: dict[str, Expression]
    removed: list[str]
    keeps_others: bool
    filter: Expression | None


def definition_of(stream_map: CustomStreamMap) -> MapDefinition:
    """Return what a stream map does."""
    made = inspect.getclosurevars(stream_map._transform_fn).nonlocals  # noqa: SLF001
    rule = inspect.getclosurevars(stream_map._filter_fn).nonlocals  # noqa: SLF001
    columns = made["stream_map_parsed"]
    return MapDefinition(
        {column: Expression(text, parsed) for column, text, parsed in columns if parsed is not None},
        [column for column, _, parsed in columns if parsed is None],
        made["include_by_default"],
        Expression(rule["filter_rule"], rule["filter_rule_parsed"]) if rule else None,
    )


def evaluate(stream_map: CustomStreamMap, expression: Expression, record: Record, column: str | None) -> t.Any:
    """Return the value of an expression.

    Args:
        stream_map: The map that it belongs to.
        expression: The expression.
        record: The record to evaluate it on.
        column: The column that it computes; None for a filter.
    """
    return stream_map._eval(expression.text, expression.parsed, record, column)  # noqa: SLF001
