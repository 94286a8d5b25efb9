"""The mending way: an item's odd fields are made to fit, alone, and the rest of it goes out unchanged.

What is odd once is odd again: a date that a type gives without time, a field that the type has lost. So a table learns
which of its fields these are, and of later items it looks at those only.
"""

from __future__ import annotations

import typing as t

import msgspec
from msgspec import Raw

from tap_contentstack.records.conform import UNFIT
from tap_contentstack.records.fast import NOT_AS_IT_CAME
from tap_contentstack.records.links import unmapped_links
from tap_contentstack.values.jsontext import decode, encode
from tap_contentstack.values.paths import path_text

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_contentstack.records.columns import Table
    from tap_contentstack.records.exact import ExactWay
    from tap_contentstack.records.fast import Fast, FastItem

_DECIDING = frozenset({"uid", "locale", "_version"})
"""What an item is and which of two is the newer one: what is odd there is not mended."""
_decode_parts = msgspec.json.Decoder(dict[str, Raw]).decode


class MendingWay:
    """Makes an item's data fit its columns, field by field, for the fast way to take it."""

    def __init__(self, table: Table, fast: Fast, exact: ExactWay) -> None:
        """Prepare with nothing learned.

        Args:
            table: The columns.
            fast: Judges what fits; it makes the record of what was mended.
            exact: Makes the values that do not fit.
        """
        self._fast = fast
        self._place = exact.place
        self._known = {*table.field_of.values(), *table.deselected} - {table.rest}
        self._others_fit = table.rest is not None
        self._fitting = set(self._known)
        """Fields that fitted in every item so far."""

    def item(self, data: object, page_times: list[str] | None = None) -> FastItem | None:
        """Return an item's record, or None where the exact way has to make it; takes what a `Fast` takes."""
        if type(data) is not Raw:
            return None
        known_times = len(page_times or ())
        try:
            parts = _decode_parts(data)
            item = self._mended(parts, page_times)
            if item is None and self._learn(parts):
                del (page_times or [])[known_times:]
                item = self._mended(parts, page_times)
        except (*NOT_AS_IT_CAME, ValueError):
            return None
        return item

    def _learn(self, parts: Mapping[str, Raw]) -> bool:
        """Note which fields of an item are odd; return whether some were not known to be."""
        seen = (parts.keys() & self._fitting) - _DECIDING
        odd = {field for field in seen if not self._fits(field, parts[field])}
        self._fitting -= odd
        return bool(odd)

    def _fits(self, field: str, value: Raw) -> bool:
        """Tell whether the fast way takes a value of a field."""
        return self._fast(Raw(b'{"uid":"-",' + encode(field) + b":" + bytes(value) + b"}")) is not None

    def _mended(self, parts: Mapping[str, Raw], page_times: list[str] | None) -> FastItem | None:
        unmapped: dict[str, t.Any] = {}
        mended = dict(parts)
        fitting, known = self._fitting, self._known
        for field in [field for field in parts if field not in fitting]:
            if field in known:
                fit = self._place(field, decode(bytes(parts[field])), unmapped)
                if fit is UNFIT:
                    del mended[field]
                else:
                    mended[field] = Raw(encode(fit))
            elif not self._others_fit:
                unmapped[path_text((None, field))] = decode(bytes(mended.pop(field)))
        item = self._fast(Raw(encode(mended)), page_times)
        if item is not None and unmapped:
            unmapped_links(unmapped, item.links)
            item.links = list(dict.fromkeys(item.links))
            item.unmapped = unmapped
        return item
