"""The mending way: converts only the fields that do not fit, and lets the rest of the item through unchanged.

A field that is odd in one entry is usually odd in the next: a date without time, a field that the type has lost. So
each stream learns which of its fields are odd; these are decoded as text, mended, and put back.
"""

from __future__ import annotations

import typing as t

import msgspec
from msgspec import Raw

from tap_contentstack.records.conform import UNFIT
from tap_contentstack.records.fast import UNFIT_ERRORS
from tap_contentstack.records.links import unmapped_links
from tap_contentstack.records.structs import InexpressibleError, decoder_of
from tap_contentstack.records.walk import UnfitError
from tap_contentstack.values.jsontext import decode, encode
from tap_contentstack.values.paths import path_text

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_contentstack.records.exact import ExactWay
    from tap_contentstack.records.fast import FastItem, FastWay
    from tap_contentstack.records.layout import Layout

_NEVER_MENDED = frozenset({"uid", "locale", "_version"})
"""They tell what an item is, and which of two is newer; so does `publish_details` where its column has no locale."""
LEARNED_AT_MOST = 200
"""Odd fields that a stream remembers: where keys are data, there is no end of them."""
_decode_parts = msgspec.json.Decoder(dict[str, Raw]).decode


class _Odd(t.NamedTuple):
    """A field that was odd.

    Attributes:
        field: Its key.
        attribute: Where a decoded item has its value, as text.
        read: Decodes a value that fits; None if no column holds the field.
    """

    field: str
    attribute: str
    read: Callable[[bytes], t.Any] | None


class MendingWay:
    """Converts an item's odd fields, then makes its record as the fast way does."""

    def __init__(self, layout: Layout, fast: FastWay, exact: ExactWay) -> None:
        """Prepare with nothing learned.

        Args:
            layout: The columns.
            fast: Judges what fits, and makes the records.
            exact: Converts the values that do not fit.
        """
        self._fast = fast
        self._place = exact.place
        details = layout.columns.get("publish_details")
        tells_locale = details is not None and "locale" in (details.fields or {})
        self._never_mended = _NEVER_MENDED if tells_locale else _NEVER_MENDED | {"publish_details"}
        self._known = {*layout.field_of.values(), *layout.deselected} - {layout.rest}
        self._odd: list[_Odd] = []
        self._learn([])

    def item(self, data: object, page_times: list[str] | None = None) -> FastItem | None:
        """Return an item's record, or None where the exact way has to make it; takes what a `Fast` takes."""
        if type(data) is not Raw:
            return None
        known_times = len(page_times or ())
        try:
            return self._mended(data, page_times)
        except (*UNFIT_ERRORS, ValueError):
            del (page_times or [])[known_times:]
        try:
            new = self._new_oddities(_decode_parts(data))
            if new and len(self._odd) + len(new) <= LEARNED_AT_MOST:
                self._learn(new)
                return self._mended(data, page_times)
        except (*UNFIT_ERRORS, InexpressibleError, ValueError):
            pass
        return None

    def _new_oddities(self, parts: Mapping[str, Raw]) -> list[str]:
        """Return the fields of an item that are odd and were not known to be."""
        unknown = parts.keys() - self._never_mended - {each.field for each in self._odd}
        return [field for field in unknown if not self._fits(field, parts[field])]

    def _fits(self, field: str, value: Raw) -> bool:
        """Tell whether the fast way takes a value of a field."""
        return self._fast.item(Raw(b'{"uid":"-",' + encode(field) + b":" + bytes(value) + b"}")) is not None

    def _learn(self, new: Iterable[str]) -> None:
        """Remember that more fields are odd."""
        types = {field: each for field, each in self._fast.types.items() if field in self._known}
        # What is left out comes last: by then, no inner object has a key that its type has lost.
        fields = sorted([*(each.field for each in self._odd), *new], key=lambda field: field not in types)
        struct = self._fast.struct(loose=fields)
        attributes = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
        self._decode = decoder_of(struct)
        self._odd = [
            _Odd(field, attributes[field], decoder_of(types[field]) if field in types else None) for field in fields
        ]

    def _mended(self, data: Raw, page_times: list[str] | None) -> FastItem:
        item = self._decode(data)
        texts: dict[str, tuple[bytes, bytes | None]] = {}
        unmapped: dict[str, t.Any] = {}
        for field, attribute, read in self._odd:
            text = getattr(item, attribute)
            if text is None:  # there is none
                continue
            old, new = bytes(text), None
            if read is None:
                unmapped[path_text((None, field))] = decode(old)
            elif (fit := self._place(field, decode(old), unmapped)) is not UNFIT:
                new = encode(fit)
            setattr(item, attribute, read(new) if read and new is not None else None)
            if new != old:
                texts[field] = old, new
        record = self._fast.item(_rewritten(data, texts), page_times, item)
        if record is None:
            raise UnfitError
        if unmapped:
            unmapped_links(unmapped, record.links)
            record.links = list(dict.fromkeys(record.links))
            record.unmapped = unmapped
        return record


def _rewritten(data: Raw, texts: Mapping[str, tuple[bytes, bytes | None]]) -> Raw:
    """Return an item's text with other values of some fields; those that are None are left out."""
    whole = bytes(data)
    if b"\\" in whole and b"\\u" in whole:  # which can hide a key
        return _rebuilt(data, texts)
    for field, (old, new) in texts.items():
        key = encode(field)
        member = key + b":" + old
        start = whole.find(key)
        end = start + len(member)
        if not whole.startswith(member, start) or whole.find(key, end) >= 0:  # it may be that of an inner object
            return _rebuilt(data, texts)
        if new is not None:
            whole = whole[:start] + key + b":" + new + whole[end:]
        elif whole.startswith(b",", end):
            whole = whole[:start] + whole[end + 1 :]
        elif whole.startswith(b",", start - 1):
            whole = whole[: start - 1] + whole[end:]
        else:
            return _rebuilt(data, texts)
    return Raw(whole)


def _rebuilt(data: Raw, texts: Mapping[str, tuple[bytes, bytes | None]]) -> Raw:
    """Return the same, whatever the text looks like."""
    parts = _decode_parts(data)
    for field, (_, new) in texts.items():
        if new is None:
            del parts[field]
        else:
            parts[field] = Raw(new)
    return Raw(encode(parts))
