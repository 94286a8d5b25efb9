"""Checks a run's stream maps before its first record: keys must stay unique, and table names distinct.

`config/checks.py` has checked their form before, without knowing the streams.
"""

from __future__ import annotations

import ast
import fnmatch
import typing as t

from singer_sdk.mapper import MAPPER_SOURCE_OPTION

from tap_contentstack.errors import SettingsError
from tap_contentstack.schema.stream_schemas import KEY_COLUMNS
from tap_contentstack.singer.expressions import CONSTANTS, names_in, pinned_by
from tap_contentstack.singer.guarded import GuardedMap

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from singer_sdk.mapper import StreamMap


def guarded(
    stream: str, maps: Iterable[StreamMap], schema: Mapping[str, t.Any], keys: Sequence[str]
) -> list[GuardedMap]:
    """Return a stream's maps, guarded and checked.

    Args:
        stream: The stream's own name.
        maps: The SDK's maps.
        schema: The stream's schema, of the selected columns.
        keys: The stream's own key columns.

    Raises:
        SettingsError: A map would break the guarantee.
    """
    result = [GuardedMap(stream, each, schema, keys) for each in maps]
    for each in result:
        if not each.removes_all:
            _check_key(each)
    return result


def check_names(maps: Mapping[str, Iterable[GuardedMap]]) -> None:
    """Refuse maps that write twice to one table: each would remove the other's rows.

    Raises:
        SettingsError: Two streams, or two maps of one stream, have one name; many targets do not tell case apart.
    """
    owners: dict[str, str] = {}
    for stream, several in maps.items():
        for alias in (each.alias for each in several if not each.removes_all):
            if (other := owners.get(alias.casefold())) is None:
                owners[alias.casefold()] = stream
                continue
            both = f"two maps of stream {stream}" if other == stream else f"streams {other} and {stream}"
            msg = (
                f"setting 'stream_maps': {both} would both be named '{alias}', and remove each other's rows; give each "
                "its own name, or use entry_streams 'combined' for one table"
            )
            raise SettingsError(msg)


def missing_streams(definitions: Mapping[str, t.Any], streams: Collection[str]) -> list[str]:
    """Return the streams that maps are for and that do not exist: a slip, or the content type is gone."""
    sources = (
        each.get(MAPPER_SOURCE_OPTION, name) if isinstance(each, dict) else name for name, each in definitions.items()
    )
    return [source for source in sources if not fnmatch.filter(streams, source)]


def _check_key(each: GuardedMap) -> None:
    """Refuse a map whose key columns are missing, empty, or computed from anything but the stream's key columns."""
    if not each.keys:
        _refuse(each, "__key_properties__", "a stream needs a key; list its key columns")
    used: set[str] = set()
    for column in each.keys:
        if column not in each.schema["properties"]:
            _refuse(each, column, "the map or flattening renames or removes the key column")
        names = _names_of_key(each, column)
        if lacking := sorted(names - set(each.own_keys)):
            _refuse(
                each,
                column,
                f"a key can only use {' and '.join(each.own_keys)}, because deletes carry nothing else; "
                f"it uses {', '.join(lacking)}",
            )
        used |= names
    if KEY_COLUMNS[1] in map(pinned_by, each.key_conditions):  # the filter lets one locale alone through
        used.add(KEY_COLUMNS[1])
    if lacking := [column for column in each.own_keys if column not in used]:
        _refuse(
            each, each.keys[0], f"different rows would get the same key; the key must also use {' and '.join(lacking)}"
        )


def _names_of_key(each: GuardedMap, column: str) -> set[str]:
    """Return the columns that a key column is computed from."""
    expression = each.definition.expressions.get(column) if each.is_custom else None
    if expression is None:
        return {column}
    value = expression.parsed.value
    if isinstance(value, ast.Constant) and not value.value:
        _refuse(each, column, "a key column cannot be empty")
    return {column if name == "self" else name for name in names_in(value, each.columns)} - CONSTANTS


def _refuse(each: GuardedMap, column: str, reason: str) -> t.NoReturn:
    msg = f"setting 'stream_maps': stream {each.stream}, column '{column}': {reason}"
    raise SettingsError(msg)
