"""Decodes a page of the sync endpoint; the data of its items stays raw bytes until their stream is known."""

from __future__ import annotations

import re
import typing as t

import msgspec
from msgspec import Raw

from tap_contentstack.api.responses import count_or_none, valid_utf8, without_lone_surrogates
from tap_contentstack.values.jsontext import MAX_DIGITS

PAGE_SIZE = 100
"""Items on a page of any endpoint (Contentstack docs; recorded)."""

_HIDDEN = re.compile(rb"\\u00(?:00|2[dD]|5[fF]|[46][1-9a-fA-F]|[57][0-9aA])")
"""Escapes of U+0000, of `-`, `_` and letters."""
_SUSPICIOUS = re.compile(rb"\\u(?:[dD][89a-fA-F]|00(?:00|2[dD]|5[fF]|[46][1-9a-fA-F]|[57][0-9aA]))")
"""The same, and escapes of surrogates."""
_TEXT_OR_SPACE = re.compile(rb'(?P<text>"(?:[^"\\]|\\.)*+")|\s+')
_LONG = re.compile(rb"[-+.0-9eE]{%d}" % MAX_DIGITS)
STRIDE = MAX_DIGITS // 8
"""The search for long numbers looks at one byte in this many: a long number shows eight digits in a row."""
_MAYBE_LONG = re.compile(rb"[-+.0-9eE]{8}")
_Count = t.Annotated[int, msgspec.Meta(ge=0)]


class Unclean(bytes):
    """Data whose bytes can be neither searched nor written unchanged.

    It has escapes of characters that no target can store, or of letters, which can hide a key that marks a link; or a
    number with thousands of digits.
    """

    __slots__ = ()


class RawItem(msgspec.Struct, gc=False):
    """One event. A key that the feed leaves out is an empty text."""

    type: str = ""
    event_at: str = ""
    content_type_uid: str = ""
    data: Raw = Raw(b"{}")


class Page(msgspec.Struct, gc=False):
    """One response of the sync endpoint.

    Every key but `items` may be missing: a delta without changes has a sync token and nothing else (recorded).
    """

    items: list[RawItem]
    skip: _Count | None = None
    limit: _Count | None = None
    total_count: _Count | None = None
    pagination_token: str | None = None
    sync_token: str | None = None


_decode = msgspec.json.Decoder(Page).decode
_decode_raws = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_any = msgspec.json.Decoder().decode


def decode_page(body: bytes) -> Page:
    """Return the page that a response's body holds.

    Raises:
        ValueError: The body is not a page of the sync endpoint, or not JSON in UTF-8.
    """
    if b"\n" in body or b"\r" in body:
        body = _compacted(body)
    try:
        body = valid_utf8(body)
        page = _read_escaped(body) if b"\\" in body and _SUSPICIOUS.search(body) else _read_page(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        msg = "JSON nested too deeply"
        raise ValueError(msg) from error
    if _MAYBE_LONG.search(body[::STRIDE]):
        for item in page.items:
            if _LONG.search(data := bytes(item.data)):
                item.data = t.cast("Raw", Unclean(data))
    return page


def _read_escaped(body: bytes) -> Page:
    readable = without_lone_surrogates(body)
    page = _read_page(readable)
    _mark_escaped(page.items, readable, body)
    return page


def _read_page(body: bytes) -> Page:
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        return _loose_page(body, error)


def _compacted(body: bytes) -> bytes:
    """Return the same JSON on one line: items go into messages unchanged, and a message is one line."""
    try:
        return msgspec.json.format(body, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return _TEXT_OR_SPACE.sub(lambda match: match["text"] or b"", body)


def _mark_escaped(items: list[RawItem], readable: bytes, body: bytes) -> None:
    """Restore the original bytes of items whose escapes hide something, and mark these items."""
    position = 0
    for item in items:
        data = bytes(item.data)
        if _HIDDEN.search(data):
            position = readable.index(data, position)
            item.data = t.cast("Raw", Unclean(body[position : position + len(data)]))
            position += len(data)


def _loose_page(body: bytes, problem: Exception) -> Page:
    """Read a page item by item, so that an item of an unusual shape affects no other."""
    try:
        parts = _decode_raws(body)
        items = [_loose_item(raw) for raw in _decode_list(parts["items"])]
        values = {key: _decode_any(parts[key]) for key in Page.__struct_fields__[1:] if key in parts}
    except (msgspec.DecodeError, KeyError) as error:
        raise ValueError(str(problem)) from error
    counts: dict[str, t.Any] = {key: count_or_none(values.get(key)) for key in ("skip", "limit", "total_count")}
    tokens = {key: values.get(key) for key in ("pagination_token", "sync_token")}
    if not all(value is None or isinstance(value, str) for value in tokens.values()):
        raise ValueError(str(problem))
    return Page(items, **counts, **tokens)


def _loose_item(raw: Raw) -> RawItem:
    try:
        parts = _decode_raws(raw)
    except msgspec.DecodeError:
        return RawItem(data=raw)
    texts = {key: _decode_any(parts[key]) for key in RawItem.__struct_fields__[:-1] if key in parts}
    return RawItem(
        **{key: value for key, value in texts.items() if isinstance(value, str)},
        data=parts.get("data", RawItem().data),
    )
