"""Types that JSON is checked against while it is decoded: what passes can go to the target unchanged."""

from __future__ import annotations

import functools
import threading
import typing as t

import msgspec
from msgspec import Meta, Raw, Struct

from tap_contentstack.records.links import LINKLESS
from tap_contentstack.values.times import MAX_LENGTH

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_contentstack.schema.shapes import Shape


_decoder_lock = threading.Lock()


class InexpressibleError(Exception):
    """No type says what this schema says."""


class AnyObject(Struct, gc=False):
    """A JSON object, whatever is in it."""


class RichText(Struct, gc=False):
    """A JSON rich text: where it can link to something."""

    attrs: Raw = Raw(b"{}")
    children: Raw = Raw(b"[]")


_SCALARS: Mapping[str, t.Any] = {
    "string": str,
    "date-time": t.Annotated[str, Meta(max_length=MAX_LENGTH)],  # the rest of the check is for many times at once
    "number": float,
    "integer": t.Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)],
    "boolean": bool,
    "array": list[Raw],
    "object": AnyObject,
}


def struct_of(types: Mapping[str, t.Any], *, closed: bool = True) -> type[Struct]:
    """Return a struct that has these keys, each of which may be missing, and no others if it is closed.

    Raises:
        InexpressibleError: There are keys that no struct can have.
    """
    return _struct_of(tuple(types.items()), closed)


@functools.lru_cache(maxsize=2048)
def _struct_of(types: tuple[tuple[str, t.Any], ...], closed: bool) -> type[Struct]:  # noqa: FBT001
    """Make a struct, but only one of each kind: many fields and content types have groups that are alike."""
    fields = [(_attribute(number), each, None) for number, (_, each) in enumerate(types)]
    names = {_attribute(number): key for number, (key, _) in enumerate(types)}
    try:
        return msgspec.defstruct("Object", fields, rename=names, forbid_unknown_fields=closed, gc=False)
    except ValueError as error:
        raise InexpressibleError(str(error)) from error


def decoder_of(each: t.Any) -> Callable[[bytes | Raw], t.Any]:
    """Return what decodes JSON into a type.

    One at a time: streams share structs, and msgspec (0.22) prepares a struct when the first decoder needs it. Another
    thread's decoder would take it half prepared, and end the process with a segmentation fault.
    """
    with _decoder_lock:
        return msgspec.json.Decoder(each).decode


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
    if shape.check is not None or (shape.is_free and not shape.nullable):
        msg = "more than a type"
        raise InexpressibleError(msg)
    if shape.kind == "json" or (shape.is_free and searched and not shape.is_rich_text):
        return Raw
    if shape.is_rich_text and searched:
        inner: t.Any = RichText
    elif shape.fields is not None:
        types = {key: type_of(each, searched=key not in LINKLESS) for key, each in shape.fields.items()}
        inner = struct_of(types)
    elif shape.items is not None:
        inner = list[type_of(shape.items)]  # type: ignore[misc]
    else:
        inner = _SCALARS[shape.kind]
    return inner | None if shape.nullable and inner is not Raw else inner
