"""Makes a value fit its column, for the exact way; what does not fit goes to `_unmapped`, under the finest path.

What comes out is what came in, but for the normalisations listed here; docs/warehouse.md lists them too.
"""

from __future__ import annotations

import math
import typing as t
from decimal import Decimal

import jsonschema

from tap_contentstack.schema.shapes import ASSET_UID
from tap_contentstack.values.paths import path_text
from tap_contentstack.values.times import in_utc

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_contentstack.schema.shapes import Schema, Shape
    from tap_contentstack.values.paths import Path

    Conform: t.TypeAlias = Callable[[t.Any, Path | None, dict[str, t.Any]], t.Any]

NORMALISATIONS = (
    "A time is written in UTC with `Z`, to the microsecond. Without an offset it counts as UTC.",
    "A date without time is its midnight.",
    "An empty string in a date column is null.",
    "A file given as a whole asset is its uid; the asset is in `_unmapped`.",
    "A reference given as a bare uid is an object of `uid` and `_content_type_uid`.",
    "A whole number in an integer column is written without a fraction: `2`, not `2.0`.",
    "A number of thousands of digits, which targets refuse, is a string.",
    "U+0000 and unpaired surrogates are removed from strings and keys. If that makes two keys equal, one gets a hash.",
    "In an item that is nested hundreds of levels deep, what is below the hundredth is stored as JSON text.",
    "If an object has a key twice, the last value wins.",
)
"""How a value in a record can differ from the one in its item."""

INT64 = range(-(2**63), 2**63)


class _Unfit:
    """Says that a value does not fit, as no JSON value can."""


UNFIT: t.Final = _Unfit()


def conformer(shape: Shape) -> Conform:
    """Return what makes a value fit a shape.

    It takes the value, its path, and `_unmapped` to add to; it returns the value that fits, or `UNFIT`.
    """
    conform = _MAKERS[shape.kind](shape)
    if shape.check is not None:
        conform = _checked(conform, shape.check)
    return _nullable(conform) if shape.nullable else _not_null(conform)


def place(conform: Conform, value: t.Any, path: Path, unmapped: dict[str, t.Any], *, nullable: bool) -> t.Any:
    """Return what goes into the record: the value, null in its place, or `UNFIT` if null will not do either."""
    fit = conform(value, path, unmapped)
    if fit is UNFIT:
        unmapped[path_text(path)] = value
        return None if nullable else UNFIT
    return fit


def _nullable(conform: Conform) -> Conform:
    return lambda value, path, unmapped: None if value is None else conform(value, path, unmapped)


def _not_null(conform: Conform) -> Conform:
    return lambda value, path, unmapped: UNFIT if value is None else conform(value, path, unmapped)


def _checked(conform: Conform, schema: Schema) -> Conform:
    """Let a value pass only if it is valid: a user's own schema can demand more than a type."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(schema, format_checker=checker)

    def check(value: t.Any, path: Path | None, unmapped: dict[str, t.Any]) -> t.Any:
        before = len(unmapped)
        fit = conform(value, path, unmapped)
        if fit is UNFIT or not validator.is_valid(fit):
            _take_back(unmapped, before)
            return UNFIT
        return fit

    return check


def _take_back(unmapped: dict[str, t.Any], length: int) -> None:
    while len(unmapped) > length:
        unmapped.popitem()


def _string(shape: Shape) -> Conform:
    def conform(value: t.Any, path: Path | None, unmapped: dict[str, t.Any]) -> t.Any:
        if isinstance(value, str):
            return value
        if is_asset and isinstance(value, dict) and isinstance(value.get("uid"), str):
            unmapped[path_text(path)] = value
            return value["uid"]
        return UNFIT

    is_asset = shape.media_type == ASSET_UID
    return conform


def _date_time(shape: Shape) -> Conform:
    def conform(value: t.Any, _path: Path | None, _unmapped: dict[str, t.Any]) -> t.Any:
        if value == "":
            return None
        return (isinstance(value, str) and in_utc(value)) or UNFIT

    return (
        conform
        if shape.nullable
        else lambda value, path, unmapped: UNFIT if value == "" else conform(value, path, unmapped)
    )


def _number(_: Shape) -> Conform:
    return lambda value, _path, _unmapped: value if _is_number(value) and _is_finite(value) else UNFIT


def _integer(_: Shape) -> Conform:
    def conform(value: t.Any, _path: Path | None, _unmapped: dict[str, t.Any]) -> t.Any:
        if not _is_number(value) or not _is_finite(value) or value != int(value):
            return UNFIT
        return int(value) if int(value) in INT64 else UNFIT

    return conform


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _is_finite(value: float | Decimal) -> bool:
    """Tell whether a double can hold a number: one column's type can hold no more."""
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _boolean(_: Shape) -> Conform:
    return lambda value, _path, _unmapped: value if isinstance(value, bool) else UNFIT


def _object(shape: Shape) -> Conform:
    if shape.fields is None:
        return lambda value, _path, _unmapped: value if isinstance(value, dict) else UNFIT
    conform = _record(shape)
    return _reference(shape, conform) if shape.is_reference else conform


def _record(shape: Shape) -> Conform:
    fields = {key: (conformer(each), each.nullable) for key, each in (shape.fields or {}).items()}

    def conform(value: t.Any, path: Path | None, unmapped: dict[str, t.Any]) -> t.Any:
        if not isinstance(value, dict):
            return UNFIT
        record = {}
        for key, each in value.items():
            if (field := fields.get(key)) is None:
                unmapped[path_text((path, key))] = each
                continue
            fit = place(field[0], each, (path, key), unmapped, nullable=field[1])
            if fit is not UNFIT:
                record[key] = fit
        return record

    return conform


def _reference(shape: Shape, conform: Conform) -> Conform:
    """Make an object of a bare uid: older schemas give references like this (seen in recorded responses)."""
    content_type = (shape.fields or {})["_content_type_uid"].default

    def conform_any(value: t.Any, path: Path | None, unmapped: dict[str, t.Any]) -> t.Any:
        if isinstance(value, str):
            return {"uid": value, "_content_type_uid": content_type}
        return conform(value, path, unmapped)

    return conform_any


def _array(shape: Shape) -> Conform:
    if shape.items is None:
        return lambda value, _path, _unmapped: value if isinstance(value, list) else UNFIT
    element, nullable = conformer(shape.items), shape.items.nullable

    def conform(value: t.Any, path: Path | None, unmapped: dict[str, t.Any]) -> t.Any:
        if not isinstance(value, list):
            return UNFIT
        before = len(unmapped)
        elements = [
            place(element, each, (path, index), unmapped, nullable=nullable) for index, each in enumerate(value)
        ]
        if UNFIT in elements:
            _take_back(unmapped, before)
            return UNFIT
        return elements

    return conform


def _json(_: Shape) -> Conform:
    return lambda value, _path, _unmapped: value


_MAKERS: dict[str, Callable[[Shape], Conform]] = {
    "string": _string,
    "date-time": _date_time,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "object": _object,
    "array": _array,
    "json": _json,
}
