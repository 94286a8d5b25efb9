"""Leaves out what a catalog deselects within a column: in the column, in `_unmapped` and in `_references`."""

from __future__ import annotations

import re
import typing as t
from functools import reduce
from itertools import accumulate

from tap_contentstack.values.paths import path_text

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tap_contentstack.records.links import Link
    from tap_contentstack.values.paths import Path

    Cut: t.TypeAlias = tuple[str, ...]
    """The keys that lead to what is deselected, from a column or its field on."""

_KEY_OR_INDEX = re.compile(r'("(?:[^"\\]|\\.)*")|\[\d+\]')


class Cuts:
    """Leaves out what lies at or below the deselected keys.

    The indices of lists do not matter: a group that has become a list keeps its deselected keys.
    """

    def __init__(self, cuts: Collection[Cut], *, field_of: Mapping[str, str], rest: str | None) -> None:
        """Prepare the cuts.

        Args:
            cuts: The deselected keys, from the column on.
            field_of: The fields that columns hold.
            rest: The column whose keys are fields.
        """
        self._columns = cuts
        fields = [tuple(inner) if name == rest else (field_of.get(name, name), *inner) for name, *inner in cuts]
        self._fields = tuple({path_text((None, field)) for field, *_ in fields})
        self._whole: set[str] = set()
        self._inside: dict[str, list[Cut]] = {}
        """By the path of something that contains deselected keys: what leads to each."""
        for cut in fields:
            *outer, whole = (path_text(path) for path in _paths(cut))
            self._whole.add(whole)
            for length, text in enumerate(outer, 1):
                self._inside.setdefault(text, []).append(cut[length:])

    def record(self, record: dict[str, t.Any]) -> None:
        """Take the deselected keys out of the columns."""
        for column, *inner in self._columns:
            if column in record:
                record[column] = _without(record[column], inner)

    def unmapped(self, unmapped: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return what may be shown of values that did not fit their column."""
        return {
            path: reduce(_without, self._inside.get(_without_indices(path), ()), value)
            for path, value in unmapped.items()
            if not self._hides(path)
        }

    def links(self, links: Iterable[Link]) -> list[Link]:
        """Return the links that may be shown."""
        return [link for link in links if not self._hides(link.path) and not self._hides(f"{link.path}.uid")]

    def _hides(self, path: str) -> bool:
        if not path.startswith(self._fields):  # few are there
            return False
        bare = _without_indices(path)
        return any(bare == each or bare.startswith((f"{each}.", f"{each}[")) for each in self._whole)


def _paths(cut: Cut) -> Iterable[Path]:
    first: Path = (None, cut[0])
    return accumulate(cut[1:], lambda path, key: (path, key), initial=first)


def _without_indices(path: str) -> str:
    return _KEY_OR_INDEX.sub(r"\1", path)


def _without(value: t.Any, cut: Sequence[str]) -> t.Any:
    """Return a value without what a key in it leads to."""
    if isinstance(value, list):
        return [_without(each, cut) for each in value]
    if not isinstance(value, dict) or cut[0] not in value:
        return value
    key, *others = cut
    if others:
        return value | {key: _without(value[key], others)}
    return {name: each for name, each in value.items() if name != key}
