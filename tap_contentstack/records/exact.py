"""The exact way, for any item: its record is built value by value, and that never fails."""

from __future__ import annotations

import typing as t

import msgspec

from tap_contentstack.records.conform import UNFIT, conformer, place
from tap_contentstack.records.links import Link, free_links, link_finder, unmapped_links
from tap_contentstack.values.jsontext import cleaned, decode, is_clean, shallow
from tap_contentstack.values.paths import path_text

if t.TYPE_CHECKING:
    from tap_contentstack.records.layout import Layout
    from tap_contentstack.values.paths import Path


class ExactItem(msgspec.Struct, kw_only=True):
    """One item, as Python values."""

    uid: str | None = None
    locale: str | None = None
    publish_locale: str | None = None
    version: t.Any = None
    record: dict[str, t.Any] = {}
    unmapped: dict[str, t.Any] = {}
    links: list[Link] = []
    cleaned: bool = False


class ExactWay:
    """Makes records of items of any kind, and never fails."""

    def __init__(self, layout: Layout) -> None:
        """Prepare for a stream's columns."""
        self._layout = layout
        shapes = {layout.field_of[name]: (name, shape) for name, shape in layout.columns.items()}
        self._fields = {field: (name, conformer(shape), shape.nullable) for field, (name, shape) in shapes.items()}
        self._finders = [
            (name, find, None if name == layout.rest else (None, field))
            for field, (name, shape) in shapes.items()
            if name in layout.linking and (find := _members_links if name == layout.rest else link_finder(shape))
        ]

    def item(self, data: t.Any) -> ExactItem:
        """Return what becomes of an item's data: JSON text, or the value that one stands for."""
        try:
            return self._item(data)
        except RecursionError:
            return self._item(shallow(decode(bytes(data)) if isinstance(data, (msgspec.Raw, bytes)) else data))

    def _item(self, data: t.Any) -> ExactItem:
        value, was_cleaned = _read(data)
        if not isinstance(value, dict):
            return ExactItem(unmapped={path_text(None): value}, cleaned=was_cleaned)
        unmapped: dict[str, t.Any] = {}
        record = self._record(value, unmapped)
        links: list[Link] = []
        for name, find, path in self._finders:
            if (found := record.get(name)) is not None:
                find(found, path, links)
        unmapped_links(unmapped, links)
        if cuts := self._layout.cuts:
            cuts.record(record)
            unmapped, links = cuts.unmapped(unmapped), cuts.links(links)
        details = value.get("publish_details")
        return ExactItem(
            uid=_text(value.get("uid")),
            locale=_text(value.get("locale")),
            publish_locale=_text(details.get("locale")) if isinstance(details, dict) else None,
            version=value.get("_version"),
            record=record,
            unmapped=unmapped,
            links=list(dict.fromkeys(links)),
            cleaned=was_cleaned,
        )

    def place(self, field: str, value: t.Any, unmapped: dict[str, t.Any]) -> t.Any:
        """Return what goes into a field's column, or `UNFIT` if nothing does; what does not fit goes to `unmapped`."""
        if field not in self._fields:
            return UNFIT  # deselected
        _, conform, nullable = self._fields[field]
        return place(conform, value, (None, field), unmapped, nullable=nullable)

    def _record(self, value: dict[str, t.Any], unmapped: dict[str, t.Any]) -> dict[str, t.Any]:
        rest = self._layout.rest
        record: dict[str, t.Any] = {rest: {}} if rest is not None and rest in self._layout.columns else {}
        for key, each in value.items():
            if key in self._fields and key != rest:
                if (fit := self.place(key, each, unmapped)) is not UNFIT:
                    record[self._fields[key][0]] = fit
            elif key in self._layout.deselected and key != rest:
                continue
            elif rest is None:
                unmapped[path_text((None, key))] = each
            elif rest in record:
                record[rest][key] = each
        return record


def _read(data: t.Any) -> tuple[t.Any, bool]:
    """Return the value of an item's data, and whether characters had to be taken out of it."""
    if isinstance(data, (msgspec.Raw, bytes)):
        text = bytes(data)
        try:
            value = decode(text)
        except ValueError:
            return text.decode(errors="replace").replace("\0", ""), True
        if b"\\u" not in text:
            return value, False
    else:
        value = data
    return (value, False) if is_clean(value) else (cleaned(value), True)


def _members_links(value: dict[str, t.Any], path: Path | None, out: list[Link]) -> None:
    for key, each in value.items():
        free_links(each, (path, key), out)


def _text(value: t.Any) -> str | None:
    return value if value and isinstance(value, str) else None
