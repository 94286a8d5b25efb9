"""The fast way of an item: its bytes are checked in C while they are decoded, and go out as they came."""

from __future__ import annotations

import operator
import typing as t

import msgspec
from msgspec import Raw

from tap_contentstack.jsontext import decode, encode
from tap_contentstack.links import FREE_MARKS, free_links
from tap_contentstack.shapes import Shape
from tap_contentstack.structs import InexpressibleError, attribute_of, struct_of, type_of
from tap_contentstack.times import all_canonical
from tap_contentstack.walk import UnfitError, compile_walk

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_contentstack.links import Link
    from tap_contentstack.table import Table

    Emit: t.TypeAlias = Callable[[Raw, list[Link]], bytes]


class Fast(t.Protocol):
    """Makes a record of an item's data."""

    def __call__(self, data: object, page_times: list[str] | None = None, /) -> FastItem | None:
        """Return the record as text, or None where the exact way has to make it.

        Args:
            data: The item's data.
            page_times: Takes the item's times, for the caller to check with those of other items, which is quicker (see
                `all_canonical`); if there is none, they are checked at once.
        """


NO_LINKS = b"[]"
NOT_AS_IT_CAME = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnfitError)

_KEY = t.Annotated[str, msgspec.Meta(min_length=1)]
_SYSTEM_KINDS: Mapping[str, set[str]] = {
    "uid": {"string"},
    "locale": {"string"},
    "publish_details": {"object"},
    "_version": {"integer", "number"},
}
_ANYTHING = Shape(kind="string")
_decode_parts = msgspec.json.Decoder(dict[str, Raw]).decode


class FastItem(msgspec.Struct, gc=False):
    """One item that fits its columns.

    Attributes:
        uid: The item.
        locale: The content's locale.
        publish_locale: The locale that it is published to.
        version: Its version.
        columns: The record's data columns: JSON text of an object, without its closing brace.
        references: The column `_references`, as JSON text.
    """

    uid: str
    locale: str | None
    publish_locale: str | None
    version: int | None
    columns: bytes
    references: bytes


def fast_way(table: Table) -> Fast:
    """Return what makes a record of an item's data, or returns None where the exact way has to."""
    try:
        shape, types = _types(table)
        decode_item = msgspec.json.Decoder(struct_of(types, closed=table.rest is None)).decode
        walk = compile_walk(shape)
    except (InexpressibleError, SyntaxError, RecursionError):
        return lambda _, __=None: None
    emit = _emitter(table)
    system_values = _system_values(table, shape)
    published_to = _published_to(table)

    def fast(data: object, page_times: list[str] | None = None) -> FastItem | None:
        if type(data) is not Raw:  # an `Escaped` one
            return None
        links: list[Link] = []
        times: list[str] = [] if page_times is None else page_times
        try:
            item = decode_item(data)
            walk(item, links, times)
            columns = emit(data, links)
        except NOT_AS_IT_CAME:
            return None
        uid, locale, details, version = system_values(item)
        if uid is None or (page_times is None and not all_canonical(times)):
            return None
        published = None if details is None else published_to(details)
        found = encode(links) if links else NO_LINKS
        return FastItem(uid, locale, published, version, columns, found)

    return fast


def _types(table: Table) -> tuple[Shape, dict[str, t.Any]]:
    """Return the shape of an item that fits, and the types of its fields."""
    types: dict[str, t.Any] = {}
    fields: dict[str, Shape] = {}
    for name, shape in table.columns.items():
        if name != table.rest:
            field = table.field_of[name]
            fields[field], types[field] = shape, type_of(shape, searched=name in table.linking)
    for key, kinds in _SYSTEM_KINDS.items():
        if key in fields and fields[key].kind not in kinds:
            msg = f"{key} of another type"
            raise InexpressibleError(msg)
    types["uid"] = _KEY
    for field in table.deselected:
        fields[field], types[field] = _ANYTHING, t.Any if field in _SYSTEM_KINDS else Raw
    return Shape(kind="object", fields=fields), types


def _system_values(table: Table, shape: Shape) -> Callable[[t.Any], tuple[t.Any, ...]]:
    """Return what takes uid, locale, publish details and version from an item."""
    fields = shape.fields or {}
    if all(key in table.columns for key in _SYSTEM_KINDS):
        return operator.attrgetter(*(attribute_of(shape, key) for key in _SYSTEM_KINDS))
    getters = [
        operator.attrgetter(attribute_of(shape, key)) if key in fields else (lambda _: None) for key in _SYSTEM_KINDS
    ]
    return lambda item: tuple(get(item) for get in getters)


def _published_to(table: Table) -> Callable[[t.Any], str | None]:
    """Return what takes the locale from publish details."""
    details = table.columns.get("publish_details")
    if details is None or details.fields is None:
        return lambda value: _text(value.get("locale")) if isinstance(value, dict) else None
    if "locale" not in details.fields:
        return lambda _: None
    return operator.attrgetter(attribute_of(details, "locale"))


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) else None


def _emitter(table: Table) -> Emit:
    """Return what makes the record's text of an item's data, and adds links that are in no column of their own."""
    renamed = any(field != name for name, field in table.field_of.items())
    if table.rest is not None:
        return _combining_emitter(table)
    return _picking_emitter(table) if renamed or table.deselected else _plain_emitter


def _plain_emitter(data: Raw, _links: list[Link]) -> bytes:
    return bytes(data)[:-1]


def _picking_emitter(table: Table) -> Emit:
    heads = _heads(table)

    def emit(data: Raw, _links: list[Link]) -> bytes:
        parts = _decode_parts(data).items()
        return b"{" + b",".join([heads[key] + bytes(value) for key, value in parts if key in heads])

    return emit


def _combining_emitter(table: Table) -> Emit:
    heads = _heads(table)
    rest = table.rest if table.rest in table.columns else None
    rest_head = encode(table.rest) + b":{"

    def emit(data: Raw, links: list[Link]) -> bytes:
        columns, others = [], []
        for key, value in _decode_parts(data).items():
            text = bytes(value)
            if key in heads:
                columns.append(heads[key] + text)
            elif rest is not None and key not in table.deselected:
                others.append(encode(key) + b":" + text)
                if any(mark in text for mark in FREE_MARKS):
                    free_links(decode(text), (None, key), links)
        if rest is not None:
            columns.append(rest_head + b",".join(others) + b"}")
        return b"{" + b",".join(columns)

    return emit


def _heads(table: Table) -> dict[str, bytes]:
    """Return how the text of each field's column begins."""
    columns = table.columns
    return {table.field_of[name]: encode(name) + b":" for name in columns if name != table.rest}
