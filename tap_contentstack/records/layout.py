"""The layout of a stream: its columns, and the field that each of them holds."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_contentstack.records.cuts import Cuts
from tap_contentstack.records.links import LINKLESS
from tap_contentstack.schema.shapes import shape_of
from tap_contentstack.schema.stream_schemas import ADDED_COLUMNS, VERSION_COLUMN

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_contentstack.schema.shapes import Shape

DATA_COLUMN = "data"
"""The column of the combined stream that holds all custom fields."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What an item's keys become.

    Attributes:
        columns: The selected columns that hold data.
        field_of: The field that a column holds; its name differs only where some target would change or refuse it.
        deselected: Fields that the target does not want.
        cuts: Leaves out what is deselected within a column, if anything is.
        rest: The column that takes all keys that have no other, if there is one.
        linking: The columns whose links are of interest.
    """

    columns: Mapping[str, Shape]
    field_of: Mapping[str, str]
    deselected: Collection[str]
    cuts: Cuts | None
    rest: str | None
    linking: Collection[str]


def layout_of(
    schema: Mapping[str, t.Any],
    *,
    columns: Mapping[str, str] | None,
    selected: Collection[str] | None,
    cuts: Collection[tuple[str, ...]],
    combined: bool,
) -> Layout:
    """Return the layout that a schema describes.

    Args:
        schema: The schema in use.
        columns: The columns of fields whose uid some target would change or refuse, by field.
        selected: The columns to emit; all if None.
        cuts: The keys that lead to what is deselected within a column, from the column on.
        combined: Whether custom fields go into one column.
    """
    added = {*ADDED_COLUMNS, VERSION_COLUMN}
    properties = {name: each for name, each in schema["properties"].items() if name not in added}
    wanted = {name for name in properties if selected is None or name in selected or name == "uid"}
    renamed = {name: field for field, name in (columns or {}).items() if name in properties}
    field_of = {name: renamed.get(name, name) for name in properties}
    rest = DATA_COLUMN if combined else None
    return Layout(
        columns={name: shape_of(each) for name, each in properties.items() if name in wanted},
        field_of=field_of,
        deselected={field_of[name] for name in properties if name not in wanted},
        cuts=Cuts(cuts, field_of=field_of, rest=rest) if cuts else None,
        rest=rest,
        linking={name for name in wanted if name not in LINKLESS},
    )
