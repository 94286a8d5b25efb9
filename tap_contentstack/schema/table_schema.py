"""The schema of a table that a target may have already: its columns keep the types that they were first loaded with."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_contentstack.schema.shapes import BY_KIND, copied, kind_of
from tap_contentstack.schema.stream_schemas import ADDED_COLUMNS, AUTOMATIC_COLUMNS, KEY_COLUMNS, VERSION_COLUMN

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from tap_contentstack.schema.shapes import Schema

# Types that targets distinguish (seen with target-postgres); all JSON types are stored alike. A number column can store
# integers, but not the reverse.
_TARGET_KINDS = {"object": "json", "array": "json"}
_WIDENINGS = {("number", "integer")}


class TypeChange(t.NamedTuple):
    """A column whose field no longer has the type that the column was first loaded with."""

    column: str
    old: str
    new: str


@dataclass(frozen=True)
class TableSchema:
    """The schema that a stream's records have, and how it differs from what the stack has now."""

    schema: Schema
    changes: list[TypeChange]
    """Fields whose column is of another type."""
    not_in_catalog: list[str]
    """Columns that the catalog does not have."""

    def warn(self, logger: logging.Logger) -> None:
        """Tell the differences."""
        for change in self.changes:
            logger.warning(
                "Field '%s' is of type %s now; its column stays %s, and values that do not fit go to _unmapped. "
                "To adopt the new type, drop the stream's table and run a full refresh (meltano run --full-refresh)",
                change.column,
                change.new,
                change.old,
            )
        if self.not_in_catalog:
            logger.warning(
                "The catalog does not have the fields %s; their values go to _unmapped until it is rediscovered",
                ", ".join(self.not_in_catalog),
            )


def table_schema(
    found: Schema, catalogued: Schema, *, keys: Iterable[str], first_types: Mapping[str, str]
) -> TableSchema:
    """Return the schema for a table's records.

    Args:
        found: The schema that discovery found.
        catalogued: The schema that the catalog asks for; the columns that every record needs are added, and those
            that the tap itself fills keep their types. No other column is required.
        keys: The key columns.
        first_types: The type that each column was first loaded with.
    """
    wanted = copied(catalogued)
    wanted["required"] = list(found.get("required", ()))  # a tombstone has nothing but the key
    own = {*ADDED_COLUMNS} & wanted["properties"].keys()
    for column in (*AUTOMATIC_COLUMNS, *keys, *sorted(own)):
        if column in found["properties"]:
            wanted["properties"][column] = found["properties"][column]
    schema, _ = keep_types(wanted, first_types)
    # What the stack has now may differ from a bookmark's types, and from a catalog that was made earlier.
    _, changes = keep_types(found, column_types(schema))
    return TableSchema(
        schema, changes, [column for column in found["properties"] if column not in wanted["properties"]]
    )


def column_types(schema: Mapping[str, t.Any]) -> dict[str, str]:
    """Return the type of each column, except the columns that the tap adds."""
    added = {*ADDED_COLUMNS, VERSION_COLUMN}
    return {name: kind_of(each) for name, each in schema["properties"].items() if name not in added}


def keep_types(schema: Mapping[str, t.Any], remembered: Mapping[str, object]) -> tuple[Schema, list[TypeChange]]:
    """Return a schema whose columns keep the types that they were first loaded with, and a list of the differences.

    Columns of removed fields stay: a target sets only the columns of the schema, so all others would keep their old
    values. Many targets treat columns that differ only in case as one.

    Args:
        schema: The current schema.
        remembered: The first type of each column. Invalid values are ignored.
    """
    kept: Schema = copied(schema)
    changes = []
    folded = {column.casefold(): kind for column, kind in remembered.items()}
    for column, new in column_types(schema).items():
        old = remembered.get(column, folded.get(column.casefold()))
        if not isinstance(old, str) or old not in BY_KIND or column in KEY_COLUMNS or _same_to_targets(old, new):
            continue
        kept["properties"][column] = copied(BY_KIND[old])
        changes.append(TypeChange(column, old, new))
    there = {column.casefold() for column in (*kept["properties"], *ADDED_COLUMNS, VERSION_COLUMN)}
    for column, old in remembered.items():
        if isinstance(old, str) and old in BY_KIND and column.casefold() not in there:
            kept["properties"][column] = copied(BY_KIND[old])
    return kept, changes


def _same_to_targets(old: str, new: str) -> bool:
    return _TARGET_KINDS.get(old, old) == _TARGET_KINDS.get(new, new) or (old, new) in _WIDENINGS
