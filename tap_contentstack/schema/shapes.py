"""Parses JSON schemas into shapes, the form in which values are checked, converted and searched.

The schema in use is the only source of types, whether it is discovered, pinned in a catalog or edited by a user. So
everything that the tap needs to know about a field is in keywords that the SDK keeps and targets understand or ignore:

- `contentMediaType: text/vnd.contentstack.asset-uid`: a text that is the uid of an asset (`ASSET_UID`).
- `contentMediaType: text/html`: a text that may embed entries and assets (`HTML`).
- `contentMediaType: application/vnd.contentstack.rich-text+json`: an object that is a JSON rich text (`RICH_TEXT`).
- An object of exactly `uid` and `_content_type_uid` is a reference to an entry; a `default` of the latter is the
  content type of references that come as bare uids.
- An object with `properties` is closed: an unknown key goes to `_unmapped`. An object without is free JSON.
- The type of a list's elements is in `allOf: [{items: …}]`. Targets turn a list with `items` into a typed array, and
  one element of another type fails the load. Without `items` they store JSON, and validators still check the elements.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import jsonschema

from tap_contentstack.errors import SettingsError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Schema: t.TypeAlias = "dict[str, t.Any]"
Kind: t.TypeAlias = t.Literal["string", "date-time", "number", "integer", "boolean", "object", "array", "json"]

KINDS: frozenset[str] = frozenset(t.get_args(Kind))

ASSET_UID = "text/vnd.contentstack.asset-uid"
HTML = "text/html"
RICH_TEXT = "application/vnd.contentstack.rich-text+json"
REFERENCE_KEYS = frozenset({"uid", "_content_type_uid"})

TEXT: Schema = {"type": ["string", "null"]}
DATE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
NUMBER: Schema = {"type": ["number", "null"]}
INTEGER: Schema = {"type": ["integer", "null"]}
BOOLEAN: Schema = {"type": ["boolean", "null"]}
FREE_OBJECT: Schema = {"type": ["object", "null"]}
FREE_LIST: Schema = {"type": ["array", "null"]}
# The types are listed twice, because some targets read only one of the two: pipelinewise-target-postgres, target-duckdb
# and others fail on a column without `type`, while target-bigquery reads the first schema of `anyOf` (from `type`, it
# would make a repeated column). The columns are jsonb in Postgres, VARIANT in Snowflake, JSON in BigQuery and DuckDB.
ANY_JSON: Schema = {
    "type": ["object", "array", "string", "number", "boolean", "null"],
    "contentMediaType": "application/json",
    "anyOf": [{"type": ["object", "null"]}, {"type": ["array", "string", "number", "boolean"]}],
}

BY_KIND: Mapping[str, Schema] = {
    "string": TEXT,
    "date-time": DATE_TIME,
    "number": NUMBER,
    "integer": INTEGER,
    "boolean": BOOLEAN,
    "object": FREE_OBJECT,
    "array": FREE_LIST,
    "json": ANY_JSON,
}

_JSON_TYPES = {"object", "array", "string", "number", "boolean", "null"}
_SILENT_KEYWORDS = {"type", "title", "description", "default", "contentMediaType", "deprecated", "x-sql-datatype"}
"""Keywords that do not restrict the values of the type."""


def copied(schema: t.Any) -> t.Any:
    """Return a schema that shares no object or list with others: the SDK changes schemas in place."""
    if isinstance(schema, dict):
        return {key: copied(each) for key, each in schema.items()}
    return [copied(each) for each in schema] if isinstance(schema, list) else schema


def record_of(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of a closed object."""
    return {"type": ["object", "null"], "properties": dict(properties)}


def list_of(items: Schema) -> Schema:
    """Return the schema of a list that targets store as JSON."""
    return {"type": ["array", "null"], "allOf": [{"type": ["array", "null"], "items": items}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The values that a schema allows.

    Attributes:
        kind: Its type.
        nullable: Whether null is allowed; if so, it also replaces a value that does not fit.
        fields: The keys of a closed object; None for a free one.
        items: The elements of a list; None if they can be anything.
        media_type: What a text contains.
        default: The value that a missing one means.
        check: A schema to validate against, if it demands more than the other attributes express.
    """

    kind: Kind
    nullable: bool = True
    fields: Mapping[str, Shape] | None = None
    items: Shape | None = None
    media_type: str | None = None
    default: t.Any = None
    check: Schema | None = field(default=None, compare=False)

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference to an entry."""
        return self.fields is not None and self.fields.keys() == REFERENCE_KEYS

    @property
    def is_rich_text(self) -> bool:
        """Whether it is a JSON rich text."""
        return self.kind == "object" and self.fields is None and self.media_type == RICH_TEXT

    @property
    def is_free(self) -> bool:
        """Whether it can contain anything."""
        return self.kind == "json" or (self.kind in {"object", "array"} and self.fields is None and self.items is None)


def shape_of(schema: object) -> Shape:
    """Return the shape that a JSON schema describes.

    Raises:
        SettingsError: It is not a JSON schema.
    """
    if not isinstance(schema, dict):
        return Shape(kind="json", check={"not": {}} if schema is False else None)
    kind = kind_of(schema)
    demanding = _demands_more(schema, kind)
    if demanding:
        _check(schema)
    items = _items_of(schema) if kind == "array" else None
    return Shape(
        kind=kind,
        nullable=jsonschema.Draft202012Validator(schema).is_valid(None) if demanding else "null" in _types_of(schema),
        fields=_shapes_of(schema.get("properties")) if kind == "object" else None,
        items=None if items is None else shape_of(items),
        media_type=schema.get("contentMediaType"),
        default=schema.get("default"),
        check=schema if demanding else None,
    )


def _check(schema: Schema) -> None:
    validator = jsonschema.Draft202012Validator
    try:
        validator.check_schema(schema, validator.FORMAT_CHECKER)
    except jsonschema.SchemaError:
        msg = f"the catalog has a column whose schema is not valid: {schema!r}: run --discover again"
        raise SettingsError(msg) from None


def _shapes_of(properties: object) -> dict[str, Shape] | None:
    return {key: shape_of(each) for key, each in properties.items()} if isinstance(properties, dict) else None


def kind_of(schema: Mapping[str, t.Any]) -> Kind:
    """Return the type of a column, as far as targets distinguish types."""
    kinds = [name for name in _types_of(schema) if name != "null"]
    if len(kinds) != 1:
        return "json"
    if kinds[0] == "string":
        return "date-time" if schema.get("format") == "date-time" else "string"
    return t.cast("Kind", kinds[0]) if kinds[0] in KINDS else "json"


def _types_of(schema: Mapping[str, t.Any]) -> list[str]:
    """Return the types that a schema allows; one that names none allows all."""
    types = schema.get("type", [*_JSON_TYPES])
    return [types] if isinstance(types, str) else list(types)


def _items_of(schema: Schema) -> t.Any:
    if "items" in schema:
        return schema["items"]
    return next((each["items"] for each in schema.get("allOf", ()) if isinstance(each, dict) and "items" in each), None)


def _demands_more(schema: Schema, kind: Kind) -> bool:
    """Return whether a schema has keywords that the shape does not express."""
    if kind == "json":
        bare = {key: each for key, each in schema.items() if key != "description"}
        return bare != ANY_JSON and (set(_types_of(schema)) != _JSON_TYPES or bool(schema.keys() - _SILENT_KEYWORDS))
    said = set(_SILENT_KEYWORDS)
    if kind == "date-time":
        said.add("format")
    elif kind == "object":
        said.add("properties")
        if isinstance(schema.get("additionalProperties"), bool) and "properties" in schema:
            said.add("additionalProperties")
    elif kind == "array":
        said.add("items")
        demands = schema.get("allOf", ())
        only_items = [each.keys() - {"type"} for each in demands] == [{"items"}]
        if only_items and set(_types_of(demands[0])) <= {"array", "null"}:
            said.add("allOf")
    return bool(schema.keys() - said)
