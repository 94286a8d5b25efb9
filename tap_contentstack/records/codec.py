"""Turns an item into a record by the first of three equivalent ways that works: fast, mending, exact."""

from __future__ import annotations

import functools
import typing as t

from tap_contentstack.records.exact import ExactItem, ExactWay
from tap_contentstack.records.fast import Fast, FastWay, nothing_fits
from tap_contentstack.records.layout import layout_of
from tap_contentstack.records.mended import MendingWay
from tap_contentstack.records.structs import InexpressibleError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_contentstack.records.layout import Layout


class Codec:
    """Makes records of the items of one stream, in three ways that give the same: `fast`, `mended`, `exact`.

    Each is tried where the one before gives up, and prepared when it is first used. The exact way never gives up.
    """

    def __init__(
        self,
        schema: Mapping[str, t.Any],
        *,
        columns: Mapping[str, str] | None = None,
        selected: Collection[str] | None = None,
        cuts: Collection[tuple[str, ...]] = (),
        combined: bool = False,
    ) -> None:
        """Prepare for a stream's records.

        Args:
            schema: The schema in use.
            columns: The columns of fields whose uid some target would change or refuse, by field.
            selected: The columns to emit; all if None.
            cuts: The keys that lead to what is deselected within a column, from the column on.
            combined: Whether custom fields go into one column, `data`.
        """
        self._layout_of = functools.partial(
            layout_of, schema, columns=columns, selected=selected, cuts=cuts, combined=combined
        )

    @functools.cached_property
    def _layout(self) -> Layout:
        return self._layout_of()

    @functools.cached_property
    def fast(self) -> Fast:
        """Takes an item's data and returns its record as text, or None if the item does not fit."""
        return self._fast_way.item if self._fast_way else nothing_fits

    @functools.cached_property
    def mended(self) -> Fast:
        """The same for items of which some fields do not fit; None if more is wrong than can be mended."""
        return MendingWay(self._layout, self._fast_way, self._exact_way).item if self._fast_way else nothing_fits

    @functools.cached_property
    def exact(self) -> Callable[[t.Any], ExactItem]:
        """Takes an item's data (JSON text, or the value that it stands for) and returns its record; it never fails."""
        return self._exact_way.item

    @functools.cached_property
    def _fast_way(self) -> FastWay | None:
        if self._layout.cuts:  # text is not cut
            return None
        try:
            return FastWay(self._layout)
        except InexpressibleError:
            return None

    @functools.cached_property
    def _exact_way(self) -> ExactWay:
        return ExactWay(self._layout)
