"""Keeps the guarantee under stream maps: no map can lose a delete, a version, or the key of a row.

The SDK's mapper evaluates expressions on whatever columns a record has. A tombstone has only its key, so an expression
that cannot handle null would fail its stream on every run; a map that drops `_sdc_deleted_at` would turn deletes into
live rows; and a filter sees only the newest state of a row, not the one that the target holds. `GuardedMap` handles all
three.
"""

from __future__ import annotations

import ast
import contextlib
import decimal
import typing as t
from functools import cached_property

from tap_contentstack.errors import MapError
from tap_contentstack.events import unpublish_of
from tap_contentstack.schema.stream_schemas import ADDED_COLUMNS, KEY_COLUMNS, PROTECTED_COLUMNS
from tap_contentstack.sdk import CustomStreamMap, Expression, RemoveRecordTransform, definition_of, evaluate
from tap_contentstack.singer.expressions import CONSTANTS, conditions_of, names_in
from tap_contentstack.singer.writer import to_json
from tap_contentstack.values.times import utc_now

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk.mapper import StreamMap

    from tap_contentstack.sdk import MapDefinition

    Record: t.TypeAlias = dict[str, t.Any]

EMPTY_KEY = "the key is empty"


class GuardedMap:
    """One stream map of a stream."""

    def __init__(self, stream: str, stream_map: StreamMap, schema: Mapping[str, t.Any], keys: Sequence[str]) -> None:
        """Restore the protected columns in the schema that the map announces.

        Args:
            stream: The stream's own name.
            stream_map: The SDK's map.
            schema: The stream's schema, of the selected columns.
            keys: The stream's own key columns.
        """
        self.stream = stream
        self.alias = stream_map.stream_alias
        self.own_keys = keys
        self.columns = list(schema["properties"])
        self._map = stream_map
        self._protected = [column for column in PROTECTED_COLUMNS if column in schema["properties"]]
        self.is_custom = isinstance(stream_map, CustomStreamMap)
        self.removes_all = isinstance(stream_map, RemoveRecordTransform)
        if not self.removes_all:
            properties = dict(stream_map.transformed_schema["properties"])
            properties |= {column: schema["properties"][column] for column in self._protected}
            stream_map.transformed_schema = {**stream_map.transformed_schema, "properties": properties}

    @property
    def keys(self) -> Sequence[str]:
        """The key columns after the map."""
        return self._map.transformed_key_properties or ()

    @property
    def schema(self) -> dict[str, t.Any]:
        """The schema that the map announces."""
        return self._map.transformed_schema

    @property
    def _sdk_map(self) -> CustomStreamMap:
        return t.cast("CustomStreamMap", self._map)

    @cached_property
    def definition(self) -> MapDefinition:
        """What the map does; only of a custom one."""
        return definition_of(self._sdk_map)

    def rows(self, record: Record, *, updates: bool) -> Iterator[Record]:
        """Yield the mapped record; if the filter rejects it, nothing, or a tombstone if the target may hold the row.

        Args:
            record: The selected columns of a row or a tombstone.
            updates: Whether the target may hold the row already.

        Raises:
            MapError: An expression fails.
        """
        if not self.is_custom:
            mapped = self._map.transform(record)
            if mapped is not None:
                yield self._kept(mapped, record)
            return
        record = dict.fromkeys(self.columns) | record
        if record.get("_sdc_deleted_at") is not None:
            if self._may_hold(record):
                yield self._tombstone(record)
            return
        try:
            mapped = self._map.transform(record)
        except Exception as error:  # expressions can fail in any way
            raise self._failure(record, error) from error
        if mapped is not None or not self.definition.filter:
            yield self._checked(self._kept(mapped or {}, record), record)
        elif updates and "_sdc_deleted_at" in record and self._may_hold(record):
            yield self._tombstone(_unpublished(record))

    def _kept(self, mapped: Record, record: Record) -> Record:
        """Return a record with the protected columns, and without the objects that flattening took apart."""
        if self._map.flattening_enabled:
            properties = self.schema["properties"]
            mapped = {
                column: _as_declared(value, properties.get(column, {}))
                for column, value in mapped.items()
                if value is not None or column in properties
            }
        return mapped | {column: record[column] for column in self._protected if column in record}

    def _checked(self, mapped: Record, record: Record) -> Record:
        for column in self.keys:
            if (value := mapped.get(column)) is None or value == "":
                raise self._error(column, record, EMPTY_KEY)
        return mapped

    def _may_hold(self, record: Record) -> bool:
        """Return whether the filter may ever have let a row with this key through.

        A condition that uses only the key has the same result for every version of a row. So a filter on the locale
        applies to tombstones, too.
        """
        for condition in self.key_conditions:
            text = t.cast("Expression", self.definition.filter).text
            with contextlib.suppress(Exception):  # it failed on the row, too, or was never evaluated
                if not evaluate(self._sdk_map, Expression(text, ast.Expr(condition)), record, None):
                    return False
        return True

    @cached_property
    def key_conditions(self) -> list[ast.expr]:
        """The conditions of the filter that use the key alone."""
        if not self.is_custom or not self.definition.filter:
            return []
        usable = {*self.own_keys, *CONSTANTS}
        conditions = conditions_of(self.definition.filter.parsed.value)
        return [each for each in conditions if names_in(each, self.columns) <= usable]

    def _tombstone(self, record: Record) -> Record:
        """Return a tombstone with the mapped key; all other columns are null, and their expressions not evaluated."""
        result = dict(record) if self.definition.keeps_others else {}
        for column, expression in self.definition.expressions.items():
            goes_through = column in ADDED_COLUMNS and expression.text == column
            result[column] = record.get(column) if goes_through else None
        for column in self.definition.removed:
            result.pop(column, None)
        for column in self.keys:
            if column in self.definition.expressions:
                try:
                    result[column] = evaluate(self._sdk_map, self.definition.expressions[column], record, column)
                except Exception as error:  # expressions can fail in any way
                    raise self._error(column, record, type(error).__name__) from error
            else:
                result[column] = record[column]
        return self._checked(self._kept(self._map.flatten_record(result), record), record)

    # Failures

    def _failure(self, record: Record, error: Exception) -> MapError:
        """Return an error that names the expression that failed: the first one that fails again."""
        definition = self.definition
        expressions = {"__filter__": definition.filter} if definition.filter else {}
        for column, expression in (expressions | definition.expressions).items():
            try:
                evaluate(self._sdk_map, expression, record, None if column == "__filter__" else column)
            except Exception as again:  # noqa: BLE001 - expressions can fail in any way
                cause = again.__cause__ or again
                return self._error(column, record, type(cause).__name__, expression[0])
        return self._error("?", record, type(error).__name__)

    def _error(self, column: str, record: Record, reason: str, text: str | None = None) -> MapError:
        """Return an error that quotes only the expression and the record's key: the original may quote any value."""
        if text is None and column in self.definition.expressions:
            text = self.definition.expressions[column][0]
        item = ", ".join(str(record.get(column)) for column in self.own_keys)
        expression = f", expression {text!r}," if text else ""
        return MapError(f"stream map of {self.stream}, column '{column}'{expression} fails on item {item}: {reason}")


def _as_declared(value: t.Any, schema: Mapping[str, t.Any]) -> t.Any:
    """Return a value as flattening declares it: columns of any JSON become texts, but the SDK forgets their numbers."""
    is_number = isinstance(value, int | float | decimal.Decimal)
    types = schema.get("type", ())
    return to_json(value).decode() if is_number and "string" in types and "number" not in types else value


def _unpublished(record: Record) -> Record:
    """Return the tombstone of a row that the filter no longer lets through."""
    moment = record.get("_sync_event_at") or utc_now()
    kept = {column: record[column] for column in {*KEY_COLUMNS, *ADDED_COLUMNS, *PROTECTED_COLUMNS} & record.keys()}
    event = unpublish_of(record["_sync_type"])
    kept |= {"_sync_type": event, "_sdc_deleted_at": moment, "_references": [], "_unmapped": None}
    return dict.fromkeys(record) | {column: value for column, value in kept.items() if column in record}
