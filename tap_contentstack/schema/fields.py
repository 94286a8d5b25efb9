"""Maps each type of field to a JSON schema, in one table."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_contentstack.schema.shapes import (
    ANY_JSON,
    ASSET_UID,
    BOOLEAN,
    DATE_TIME,
    FREE_OBJECT,
    HTML,
    NUMBER,
    RICH_TEXT,
    TEXT,
    list_of,
    record_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_contentstack.schema.shapes import Schema

Field: t.TypeAlias = "Mapping[str, t.Any]"

LONGEST_DESCRIPTION = 1024
"""Characters that BigQuery takes as the description of a column."""
GROUP_METADATA: Schema = {"_metadata": FREE_OBJECT}
"""Groups and blocks have this besides their fields: `{"uid": …}`, set by the editor (seen in exports)."""


@dataclass(frozen=True, kw_only=True)
class FieldType:
    """One row of the table.

    Attributes:
        name: The type of field, as Contentstack's documentation calls it.
        data_type: The field's `data_type`.
        schema: Returns the JSON schema of one value.
        column: How one value is stored in the warehouse.
        several: How a field with several values is stored; None if it always has several.
        when: Distinguishes the type from others of the same `data_type`.
    """

    name: str
    data_type: str
    schema: Callable[[Field], Schema]
    column: str
    several: str | None
    when: Callable[[Field], bool] = lambda _: True

    @property
    def always_several(self) -> bool:
        """Whether the value is a list even if the field is not marked `multiple`."""
        return self.several is None


def _flag(name: str) -> Callable[[Field], bool]:
    return lambda field: bool(_mapping(field.get("field_metadata")).get(name))


def _group(field: Field) -> Schema:
    return record_of(_properties(field.get("schema")) | GROUP_METADATA)


def _global_field(field: Field) -> Schema:
    return _group(field) if isinstance(field.get("schema"), list) else FREE_OBJECT


def _blocks(field: Field) -> Schema:
    blocks = (each for each in _dicts(field.get("blocks")) if isinstance(each.get("uid"), str))
    return record_of({each["uid"]: _global_field(each) for each in blocks})


def _reference(field: Field) -> Schema:
    target = field.get("reference_to")
    content_type = TEXT | {"default": target} if isinstance(target, str) else TEXT
    return record_of({"uid": TEXT, "_content_type_uid": content_type})


FIELD_TYPES: tuple[FieldType, ...] = (
    FieldType(
        name="HTML rich text",
        data_type="text",
        when=_flag("allow_rich_text"),
        schema=lambda _: TEXT | {"contentMediaType": HTML},
        column="text",
        several="list of strings",
    ),
    FieldType(
        name="Text (single and multi line, Markdown, select, URL, custom field)",
        data_type="text",
        schema=lambda _: TEXT,
        column="text",
        several="list of strings",
    ),
    FieldType(
        name="Number (also select and custom field)",
        data_type="number",
        schema=lambda _: NUMBER,
        column="number",
        several="list of numbers",
    ),
    FieldType(
        name="Boolean",
        data_type="boolean",
        schema=lambda _: BOOLEAN,
        column="boolean",
        several="list of booleans",
    ),
    FieldType(
        name="Date",
        data_type="isodate",
        schema=lambda _: DATE_TIME,
        column="timestamp in UTC; a date without time is its midnight",
        several="list of timestamps",
    ),
    FieldType(
        name="File",
        data_type="file",
        schema=lambda _: TEXT | {"contentMediaType": ASSET_UID},
        column="text: the asset's uid",
        several="list of uids",
    ),
    FieldType(
        name="Link",
        data_type="link",
        schema=lambda _: record_of({"title": TEXT, "href": TEXT}),
        column="object `{title, href}`",
        several="list of such objects",
    ),
    FieldType(
        name="Reference",
        data_type="reference",
        schema=_reference,
        column="list of objects `{uid, _content_type_uid}`",
        several=None,
    ),
    FieldType(
        name="Group",
        data_type="group",
        schema=_group,
        column="object of its fields",
        several="list of such objects",
    ),
    FieldType(
        name="Global field",
        data_type="global_field",
        schema=_global_field,
        column="object of its fields",
        several="list of such objects",
    ),
    FieldType(
        name="Modular blocks",
        data_type="blocks",
        schema=_blocks,
        column="list of objects with one key, the block's uid, and under it the object of its fields",
        several=None,
    ),
    FieldType(
        name="JSON rich text",
        data_type="json",
        when=_flag("allow_json_rte"),
        schema=lambda _: FREE_OBJECT | {"contentMediaType": RICH_TEXT},
        column="JSON: the document",
        several="list of documents",
    ),
    FieldType(
        name="Custom field (JSON)",
        data_type="json",
        schema=lambda _: ANY_JSON,
        column="JSON of any type",
        several="list of JSON values",
    ),
    FieldType(
        name="Taxonomy",
        data_type="taxonomy",
        schema=lambda _: record_of({"taxonomy_uid": TEXT, "term_uid": TEXT}),
        column="list of objects `{taxonomy_uid, term_uid}`",
        several=None,
    ),
)

UNKNOWN = FieldType(
    name="Any other type",
    data_type="",
    schema=lambda _: ANY_JSON,
    column="JSON of any type",
    several="JSON of any type",
)


def field_schema(field: Field) -> Schema:
    """Return the JSON schema of a field's value."""
    kind = _kind(field)
    if kind is UNKNOWN:
        return ANY_JSON
    schema = kind.schema(field)
    return list_of(schema) if kind.always_several or field.get("multiple") is True else schema


def top_fields(content_type: Mapping[str, t.Any]) -> dict[str, Schema]:
    """Return the JSON schemas of a content type's fields, by uid, with what editors wrote about each."""
    schema = content_type.get("schema")
    about = {each["uid"]: _description(each) for each in _dicts(schema) if isinstance(each.get("uid"), str)}
    return {
        uid: each | {"description": about[uid]} if about[uid] else each for uid, each in _properties(schema).items()
    }


def unknown_data_types(content_type: Mapping[str, t.Any]) -> dict[str, str]:
    """Return the fields whose data type this tap does not know, at any depth: path and data type."""
    return dict(_unknown(content_type.get("schema"), ""))


def field_type_table() -> str:
    """Return the rows of the documentation's table: field, column, column of a field with several values."""
    rows = [
        f"| {each.name} | `{each.data_type}` | {each.column} | {each.several or 'the same'} |" for each in FIELD_TYPES
    ]
    return "\n".join([*rows, f"| {UNKNOWN.name} | | {UNKNOWN.column} | {UNKNOWN.several} |"])


def _kind(field: Field) -> FieldType:
    # A taxonomy field in a sample of the documentation has no data type.
    data_type = field.get("data_type", "taxonomy" if "taxonomies" in field else None)
    return next((each for each in FIELD_TYPES if each.data_type == data_type and each.when(field)), UNKNOWN)


def _description(field: Field) -> str:
    """Return what editors see beside a field: its display name, and the instruction for filling it in."""
    texts = (field.get("display_name"), _mapping(field.get("field_metadata")).get("instruction"))
    said = ": ".join(" ".join(each.split()) for each in texts if isinstance(each, str) and each.strip())
    return said[:LONGEST_DESCRIPTION]


def _properties(schema: object) -> dict[str, Schema]:
    return {each["uid"]: field_schema(each) for each in _dicts(schema) if isinstance(each.get("uid"), str)}


def _unknown(schema: object, prefix: str) -> Iterator[tuple[str, str]]:
    for field in _dicts(schema):
        path = f"{prefix}{field.get('uid')}"
        if _kind(field) is UNKNOWN and "data_type" in field:
            yield path, str(field["data_type"])
        yield from _unknown(field.get("schema"), f"{path}.")
        yield from _unknown(field.get("blocks"), f"{path}.")


def _dicts(values: object) -> list[dict[str, t.Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _mapping(value: object) -> Mapping[str, t.Any]:
    return value if isinstance(value, dict) else {}
