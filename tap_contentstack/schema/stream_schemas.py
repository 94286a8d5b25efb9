"""Builds the JSON schemas of all streams."""

from __future__ import annotations

import typing as t

from tap_contentstack.schema.fields import top_fields, unknown_data_types
from tap_contentstack.schema.names import column_names
from tap_contentstack.schema.shapes import (
    BOOLEAN,
    BY_KIND,
    DATE_TIME,
    FREE_LIST,
    FREE_OBJECT,
    INTEGER,
    NUMBER,
    TEXT,
    copied,
    list_of,
    record_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_contentstack.schema.shapes import Schema

__all__ = [
    "ADDED_COLUMNS",
    "AUTOMATIC_COLUMNS",
    "KEY_COLUMNS",
    "asset_schema",
    "combined_schema",
    "definition_schema",
    "entry_columns",
    "entry_schema",
    "loads_schema",
    "schema_from_types",
    "taxonomy_schema",
    "term_schema",
    "unknown_data_types",
]

KEY_COLUMNS = ("uid", "_publish_locale")
TERM_KEY_COLUMNS = ("taxonomy_uid", "uid")
VERSION_COLUMN = "_sdc_table_version"
LOAD_VERSION = "_load_version"
AUTOMATIC_COLUMNS = (*KEY_COLUMNS, "_sync_type", "_sdc_deleted_at", LOAD_VERSION)
PROTECTED_COLUMNS = ("_sdc_deleted_at", "_sync_type", LOAD_VERSION, VERSION_COLUMN)
"""Columns that no stream map can change: they say whether a row is live, and which load it belongs to."""
KEY: Schema = {"type": "string"}

ADDED_COLUMNS: Mapping[str, Schema] = {
    "_publish_locale": KEY,
    "_content_type_uid": TEXT,
    "_sync_type": TEXT,
    "_sync_event_at": DATE_TIME,
    "_sdc_deleted_at": DATE_TIME,
    "_references": list_of(record_of({"path": TEXT, "uid": TEXT, "content_type_uid": TEXT})),
    "_unmapped": FREE_OBJECT,
    LOAD_VERSION: INTEGER,
}
"""Columns that the tap adds to every row."""

_COMMON_COLUMNS: Mapping[str, Schema] = {
    "uid": KEY,
    "title": TEXT,
    "tags": list_of(TEXT),
    "_version": INTEGER,
    "created_at": DATE_TIME,
    "created_by": TEXT,
    "updated_at": DATE_TIME,
    "updated_by": TEXT,
    "publish_details": record_of(
        {"environment": TEXT, "locale": TEXT, "time": DATE_TIME, "user": TEXT, "version": INTEGER},
    ),
    "ACL": FREE_OBJECT,
}
"""Columns of both entries and assets. Only some endpoints return `ACL` (recorded)."""

_ENTRY_COLUMNS: Mapping[str, Schema] = {
    **_COMMON_COLUMNS,
    "locale": TEXT,
    "_in_progress": BOOLEAN,
    "_workflow": FREE_OBJECT,
    "_metadata": FREE_OBJECT,
}
"""System columns of entries. Only some entries have the last three (recorded)."""

_ASSET_COLUMNS: Mapping[str, Schema] = {
    **_COMMON_COLUMNS,
    "locale": TEXT,
    "filename": TEXT,
    "url": TEXT,
    "content_type": TEXT,
    # A text of digits (recorded), loaded unchanged.
    "file_size": TEXT,
    "dimension": record_of({"height": NUMBER, "width": NUMBER}),
    "description": TEXT,
    "parent_uid": TEXT,
    "is_dir": BOOLEAN,
    "custom_metadata": FREE_OBJECT,
    "_metadata": FREE_OBJECT,
    # In exports of a stack, by the vendor's command line tool.
    "urlPath": TEXT,
    "stackHeaders": FREE_OBJECT,
}

_DEFINITION_COLUMNS: Mapping[str, Schema] = {
    "uid": KEY,
    "title": TEXT,
    "description": TEXT,
    "schema": FREE_LIST,
    "options": FREE_OBJECT,
    "field_rules": FREE_LIST,
    "_version": INTEGER,
    "created_at": DATE_TIME,
    "updated_at": DATE_TIME,
    "inbuilt_class": BOOLEAN,
    "maintain_revisions": BOOLEAN,
    "last_activity": FREE_OBJECT,
    "abilities": FREE_OBJECT,
    "DEFAULT_ACL": FREE_OBJECT,
    "SYS_ACL": FREE_OBJECT,
    "_branch": TEXT,
    "_unmapped": FREE_OBJECT,
    LOAD_VERSION: INTEGER,
}

_VOCABULARY_COLUMNS: Mapping[str, Schema] = {
    "uid": KEY,
    "name": TEXT,
    "locale": TEXT,
    "created_at": DATE_TIME,
    "created_by": TEXT,
    "updated_at": DATE_TIME,
    "updated_by": TEXT,
    "publish_details": _COMMON_COLUMNS["publish_details"],
    "_unmapped": FREE_OBJECT,
    LOAD_VERSION: INTEGER,
}
"""Columns of both taxonomies and terms (Contentstack docs: CDA, taxonomy)."""

_LOADS_COLUMNS: Mapping[str, Schema] = {
    "stream": KEY,
    "content_type_uid": TEXT,
    "environment": TEXT,
    "branch": TEXT,
    "version": INTEGER,
    "full_load_at": DATE_TIME,
    "loaded_at": DATE_TIME,
    "published": FREE_OBJECT,
}


def entry_schema(content_type: Mapping[str, t.Any]) -> Schema:
    """Return the JSON schema of a content type's entries."""
    columns = entry_columns(content_type)
    fields = {columns.get(uid, uid): schema for uid, schema in top_fields(content_type).items()}
    url = _url_column(content_type, fields)
    return _table({**fields, **_ENTRY_COLUMNS, "title": fields.get("title", TEXT), **url})


def entry_columns(content_type: Mapping[str, t.Any]) -> dict[str, str]:
    """Return the columns of fields whose uid cannot be a column name, by field uid."""
    system = {"uid", *_ENTRY_COLUMNS}
    fields = [uid for uid in top_fields(content_type) if uid not in system]
    names = column_names(fields, {*system, *_url_column(content_type, fields), *ADDED_COLUMNS, VERSION_COLUMN})
    return {uid: name for uid, name in names.items() if uid != name}


def _url_column(content_type: Mapping[str, t.Any], fields: Collection[str]) -> dict[str, Schema]:
    """Return the column of a page's URL, which entries of a page type have without a field for it."""
    options = content_type.get("options")
    is_page = isinstance(options, dict) and options.get("is_page")
    return {"url": TEXT} if is_page and "url" not in fields else {}


def combined_schema() -> Schema:
    """Return the JSON schema of the combined stream of all entries."""
    return _table({**_ENTRY_COLUMNS, "url": TEXT, "data": FREE_OBJECT})


def asset_schema() -> Schema:
    """Return the JSON schema of assets."""
    return _table(_ASSET_COLUMNS)


def definition_schema() -> Schema:
    """Return the JSON schema of the stack's content types, and of its global fields."""
    return _object(_DEFINITION_COLUMNS, ("uid",))


def taxonomy_schema() -> Schema:
    """Return the JSON schema of taxonomies."""
    return _object({**_VOCABULARY_COLUMNS, "description": TEXT}, ("uid",))


def term_schema() -> Schema:
    """Return the JSON schema of the terms of taxonomies."""
    columns = {"taxonomy_uid": KEY, **_VOCABULARY_COLUMNS, "parent_uid": TEXT, "depth": INTEGER, "order": INTEGER}
    return _object(columns, TERM_KEY_COLUMNS)


def loads_schema() -> Schema:
    """Return the JSON schema of the stream that lists the live version of each stream's rows."""
    return _object(_LOADS_COLUMNS, ("stream",))


def schema_from_types(types: Mapping[str, object]) -> Schema:
    """Return a schema that fits a versioned table with columns of these types."""
    return _table(
        {
            name: BY_KIND[kind]
            for name, kind in types.items()
            if isinstance(kind, str) and kind in BY_KIND and name not in KEY_COLUMNS
        }
    )


def _table(columns: Mapping[str, Schema]) -> Schema:
    """Return the schema of a versioned table: the key first, the added columns last."""
    return _object({"uid": KEY, **columns, **ADDED_COLUMNS}, KEY_COLUMNS)


def _object(columns: Mapping[str, Schema], keys: tuple[str, ...]) -> Schema:
    return {"type": "object", "properties": copied(columns), "required": list(keys)}
