"""Reads files and environment variables, so that a mistake in one ends in one line and not in a traceback."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from tap_contentstack.errors import InputError, SettingsError
from tap_contentstack.sdk import TRUTHY, parse_environment_config

Json: t.TypeAlias = dict[str, t.Any]


BOOKMARKS = "bookmarks"
FALSY = ("false", "0", "no", "off")
"""What an environment variable can say for false; the SDK takes anything but `TRUTHY` for it."""
BYTE_ORDER_MARK = "\ufeff"
"""Some editors put it at the start of a file."""


def read_json(source: t.IO[str] | str | None, what: str) -> Json | None:
    """Return the JSON object in a file.

    Args:
        source: The file, or its path.
        what: The kind of file: config, state or catalog.

    Raises:
        InputError: It cannot be read, or is not a JSON object.
    """
    if source is None:
        return None
    name = source if isinstance(source, str) else getattr(source, "name", "")
    try:
        if isinstance(source, str):
            text = Path(source).read_text(encoding="utf-8")
        else:
            with source:
                text = source.read()
        content = json.loads(text.removeprefix(BYTE_ORDER_MARK))
        json.dumps(content, ensure_ascii=False).encode()  # an unpaired surrogate can be neither sent nor written
    except OSError as error:
        msg = f"the {what} file {name} cannot be read: {error.strerror}"
        raise InputError(msg) from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        msg = f"the {what} file {name} is not a JSON object: check that it is the right file and complete"
        raise InputError(msg)
    return content


def read_state(source: t.IO[str] | str | None) -> Json | None:
    """Return the state in a file, unwrapped if Meltano (`state get`) or a target's log has wrapped it.

    Raises:
        InputError: It cannot be read, or is not a JSON object.
    """
    state = read_json(source, "state")
    while state is not None and BOOKMARKS not in state:
        inner = [each for key, each in sorted(state.items()) if isinstance(each, dict) and _holds_bookmarks(each)]
        if not inner:
            break
        state = inner[0]  # Meltano's `completed` comes before its `partial`
    return state


def _holds_bookmarks(value: Json) -> bool:
    """Return whether a JSON object has bookmarks, or is wrapped around an object that has."""
    wrapped = (each for each in value.values() if isinstance(each, dict))
    return BOOKMARKS in value or any(BOOKMARKS in each for each in wrapped)


def read_catalog(source: t.IO[str] | None) -> Json | None:
    """Return a catalog in which a replication method of a stream's metadata overrides the discovered one.

    Meltano's `metadata` extra writes `replication-method` there, the Singer specification `forced-replication-method`;
    the SDK ignores the first, and reads the second only if the catalog entry itself names no method.

    Raises:
        InputError: It is not a catalog.
    """
    catalog = read_json(source, "catalog")
    if catalog is None:
        return None
    streams = catalog.get("streams")
    if not isinstance(streams, list) or not all(_is_entry(each) for each in streams):
        msg = "the catalog does not have the structure that --discover writes: run --discover again"
        raise InputError(msg)
    for stream in streams:
        for entry in stream.get("metadata", []):
            for key in ("forced-replication-method", "replication-method"):
                if not entry["breadcrumb"] and entry["metadata"].get(key):
                    stream["replication_method"] = entry["metadata"][key]
    return catalog


def _is_entry(stream: t.Any) -> bool:
    if not isinstance(stream, dict) or not isinstance(stream.get("tap_stream_id"), str):
        return False
    schema, metadata = stream.get("schema"), stream.get("metadata", [])
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not all(isinstance(each, dict) for each in properties.values()):
        return False
    return isinstance(metadata, list) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("breadcrumb"), list)
        and all(isinstance(step, str) for step in entry["breadcrumb"])
        and isinstance(entry.get("metadata"), dict)
        for entry in metadata
    )


def environment_config(schema: Json, prefix: str) -> Json:
    """Return the settings in environment variables; blank ones count as unset.

    Raises:
        SettingsError: A variable cannot be parsed.
    """
    parse_environment_config({"properties": {}}, prefix)  # reads a .env file into the environment
    config: Json = {}
    for name, setting in schema["properties"].items():
        variable = f"{prefix}{name.upper()}"
        if (value := os.environ.get(variable, "")).strip():
            if "boolean" in setting["type"] and value.lower() not in {*TRUTHY, *FALSY}:
                msg = f"setting '{name}' must be true or false: check the environment variable {variable}"
                raise SettingsError(msg)
            try:
                config |= parse_environment_config({"properties": {name: setting}}, prefix)
            except ValueError:
                msg = f"setting '{name}' cannot be parsed: check the environment variable {variable}"
                raise SettingsError(msg) from None
    return config
