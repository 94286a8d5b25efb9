"""Types that JSON is checked against while it is decoded: what passes can go to the target as it came."""

from __future__ import annotations

import operator
import typing as t

import msgspec
from msgspec import Meta, Raw, Struct

from tap_contentstack.jsontext import decode
from tap_contentstack.links import FREE_MARKS, LINKLESS, RICH_TEXT_MARKS, free_links, rich_text_links
from tap_contentstack.shapes import RICH_TEXT
from tap_contentstack.times import CANONICAL

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_contentstack.links import Find, Link
    from tap_contentstack.paths import Path
    from tap_contentstack.shapes import Shape


class InexpressibleError(Exception):
    """No type says what this schema says."""


class UnfitError(Exception):
    """A value needs the exact way."""


class AnyObject(Struct, gc=False):
    """A JSON object, whatever is in it."""


_SCALARS: Mapping[str, t.Any] = {
    "string": str,
    "date-time": t.Annotated[str, Meta(pattern=f"^{CANONICAL}$")],
    "number": float,
    "integer": t.Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)],
    "boolean": bool,
    "array": list[Raw],
    "object": AnyObject,
}
_FIRST_BYTE: Mapping[str, int] = {"object": ord("{"), "array": ord("[")}


def struct_of(types: Mapping[str, t.Any], *, closed: bool = True) -> type[Struct]:
    """Return a struct that has these keys, each of which may be missing, and no others if it is closed.

    Raises:
        InexpressibleError: There are keys that no struct can have.
    """
    fields = [(_attribute(number), each, None) for number, each in enumerate(types.values())]
    names = {_attribute(number): key for number, key in enumerate(types)}
    try:
        return msgspec.defstruct("Object", fields, rename=names, forbid_unknown_fields=closed, gc=False)
    except ValueError as error:
        raise InexpressibleError(str(error)) from error


def attribute_of(shape: Shape, key: str) -> str:
    """Return the struct's attribute that holds a key's value: keys need not be identifiers."""
    return _attribute(list(shape.fields or ()).index(key))


def _attribute(number: int) -> str:
    return f"f{number}"


def type_of(shape: Shape, *, searched: bool = True) -> t.Any:
    """Return the type of the values that a shape allows and that need no conversion.

    Raises:
        InexpressibleError: No type says that.
    """
    if shape.check is not None or (shape.kind == "json" and not shape.nullable):
        msg = f"a schema with further demands: {shape.check}"
        raise InexpressibleError(msg)
    if shape.is_free and searched:
        return Raw
    if shape.fields is not None:
        inner: t.Any = struct_of({key: type_of(each, searched=key not in LINKLESS) for key, each in shape.fields.items()})
    elif shape.items is not None:
        inner = list[type_of(shape.items)]  # type: ignore[misc]
    else:
        inner = _SCALARS[shape.kind]
    return inner | None if shape.nullable and inner is not Raw else inner


def member(shape: Shape, key: str) -> Callable[[t.Any], t.Any]:
    """Return what takes a key's value from a struct."""
    return operator.attrgetter(attribute_of(shape, key))


def raw_finder(shape: Shape) -> Find:
    """Return what finds links in JSON of any shape that is still text; it raises `UnfitError` if that is of another type."""
    rich_text = shape.media_type == RICH_TEXT
    marks, find = (RICH_TEXT_MARKS, rich_text_links) if rich_text else (FREE_MARKS, free_links)
    first = _FIRST_BYTE.get(shape.kind)

    def find_in(value: Raw, path: Path | None, out: list[Link]) -> None:
        text = bytes(value)
        if first is not None and text[0] != first and not (shape.nullable and text == b"null"):
            raise UnfitError
        if any(mark in text for mark in marks):
            find(decode(text), path, out)

    return find_in
