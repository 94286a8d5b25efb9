"""The fast way, for items that fit their columns: bytes are checked while they are decoded, and go out unchanged."""

from __future__ import annotations

import typing as t

import msgspec
from msgspec import Raw, Struct

from tap_contentstack.records.links import LINK_MARKS, free_links
from tap_contentstack.records.structs import InexpressibleError, decoder_of, struct_of, type_of
from tap_contentstack.records.walk import UnfitError, compile_walk
from tap_contentstack.schema.shapes import Shape
from tap_contentstack.values.jsontext import decode, encode
from tap_contentstack.values.times import all_canonical

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_contentstack.records.layout import Layout
    from tap_contentstack.records.links import Link

    Part: t.TypeAlias = bytes | memoryview
    """A part of a line's text."""
    Emit: t.TypeAlias = Callable[[Raw, list[Link]], Part]


class Fast(t.Protocol):
    """Makes a record of an item's data."""

    def __call__(self, data: object, page_times: list[str] | None = None, /) -> FastItem | None:
        """Return the record as text, or None if the next way has to try.

        Args:
            data: The item's data.
            page_times: Takes the item's times, for the caller to check with those of other items, which is quicker (see
                `all_canonical`); if there is none, they are checked at once.
        """


UNFIT_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnfitError)

_KEY = t.Annotated[str, msgspec.Meta(min_length=1)]
_SYSTEM_KINDS: Mapping[str, set[str]] = {
    "uid": {"string"},
    "locale": {"string"},
    "publish_details": {"object"},
    "_version": {"integer", "number"},
}
_ANYTHING = Shape(kind="string")  # any shape will do: it is neither checked nor searched
_SYSTEM_TYPES: Mapping[str, tuple[Shape, t.Any]] = {
    "locale": (_ANYTHING, str | None),
    "publish_details": (
        Shape(kind="object", fields={"locale": _ANYTHING}),
        struct_of({"locale": str | None}, closed=False) | None,
    ),
    "_version": (_ANYTHING, int | None),
}
"""What has to be known of system keys whose columns are deselected, or of a type that does not tell."""
_decode_parts = msgspec.json.Decoder(dict[str, Raw]).decode


class FastItem(msgspec.Struct, gc=False):
    """One item that fits its columns.

    Attributes:
        uid: The item.
        locale: The content's locale.
        publish_locale: The locale that it is published to.
        version: Its version.
        columns: The record's data columns: JSON text of an object, without its closing brace.
        links: Its links.
        unmapped: What did not fit, by path, where an item was mended.
    """

    uid: str
    locale: str | None
    publish_locale: str | None
    version: int | None
    columns: Part
    links: list[Link]
    unmapped: dict[str, t.Any] | None = None


def nothing_fits(_data: object, _page_times: list[str] | None = None) -> None:
    """Leave every item to the exact way: the schema says more than types can."""


class FastWay:
    """Makes records of items that fit their columns."""

    def __init__(self, layout: Layout) -> None:
        """Prepare for a stream's columns.

        Raises:
            InexpressibleError: They say more than types can.
        """
        shape, self.types = _types(layout)
        self._is_closed = layout.rest is None
        self._emit = _emitter(layout)
        try:
            self._walk = compile_walk(shape)
            self._decode = decoder_of(self.struct())
        except (SyntaxError, RecursionError) as error:
            raise InexpressibleError(str(error)) from error

    def struct(self, loose: Iterable[str] = ()) -> type[Struct]:
        """Return the type of an item; the values of loose fields may be anything, and stay text."""
        return struct_of(self.types | dict.fromkeys(loose, Raw), closed=self._is_closed)

    def item(self, data: object, page_times: list[str] | None = None, decoded: Struct | None = None) -> FastItem | None:
        """Return an item's record; see `Fast`.

        Args:
            data: The item's data.
            page_times: See `Fast`.
            decoded: The data as an instance of a `struct` without text in loose fields, if it has been decoded already.
        """
        if type(data) is not Raw:  # an `Unclean` one
            return None
        links: list[Link] = []
        times: list[str] = [] if page_times is None else page_times
        try:
            uid, locale, published_to, version = self._walk(decoded or self._decode(data), links, times)
            columns = self._emit(data, links)
        except UNFIT_ERRORS:
            return None
        if uid is None or (page_times is None and not all_canonical(times)):
            return None
        return FastItem(uid, locale, published_to, version, columns, links)


def _types(layout: Layout) -> tuple[Shape, dict[str, t.Any]]:
    """Return the shape of an item that fits, and the types of its fields."""
    types: dict[str, t.Any] = {}
    fields: dict[str, Shape] = {}
    for name, shape in layout.columns.items():
        if name != layout.rest:
            field = layout.field_of[name]
            fields[field], types[field] = shape, type_of(shape, searched=name in layout.linking)
    for key, kinds in _SYSTEM_KINDS.items():
        if key in fields and fields[key].kind not in kinds:
            msg = f"{key} of another type"
            raise InexpressibleError(msg)
    inner = fields["publish_details"].fields if "publish_details" in fields else None
    if inner and "locale" in inner and inner["locale"].kind != "string":
        msg = "the locale in publish_details of another type"
        raise InexpressibleError(msg)
    types["uid"] = _KEY
    untold = {"publish_details"} if "publish_details" in fields and not fields["publish_details"].fields else set()
    for field in untold.union(layout.deselected):
        fields[field], types[field] = _SYSTEM_TYPES.get(field, (_ANYTHING, Raw))
    return Shape(kind="object", fields=fields), types


def _emitter(layout: Layout) -> Emit:
    """Return what makes the record's text of an item's data, and adds links that are in no column of their own."""
    renamed = any(field != name for name, field in layout.field_of.items())
    if layout.rest is not None:
        return _combining_emitter(layout)
    return _picking_emitter(layout) if renamed or layout.deselected else _plain_emitter


def _plain_emitter(data: Raw, _links: list[Link]) -> Part:
    return memoryview(data)[:-1]


def _picking_emitter(layout: Layout) -> Emit:
    heads = _heads(layout)

    def emit(data: Raw, _links: list[Link]) -> bytes:
        parts = _decode_parts(data).items()
        return b"{" + b",".join([heads[key] + bytes(value) for key, value in parts if key in heads])

    return emit


def _combining_emitter(layout: Layout) -> Emit:
    heads = _heads(layout)
    rest = layout.rest if layout.rest in layout.columns else None
    rest_head = encode(layout.rest) + b":{"

    def emit(data: Raw, links: list[Link]) -> bytes:
        columns, others = [], []
        for key, value in _decode_parts(data).items():
            text = bytes(value)
            if key in heads:
                columns.append(heads[key] + text)
            elif rest is not None and key not in layout.deselected:
                others.append(encode(key) + b":" + text)
                if any(mark in text for mark in LINK_MARKS):
                    free_links(decode(text), (None, key), links)
        if rest is not None:
            columns.append(rest_head + b",".join(others) + b"}")
        return b"{" + b",".join(columns)

    return emit


def _heads(layout: Layout) -> dict[str, bytes]:
    """Return how the text of each field's column begins."""
    columns = layout.columns
    return {layout.field_of[name]: encode(name) + b":" for name in columns if name != layout.rest}
