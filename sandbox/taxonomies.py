"""Taxonomies and their terms: the vocabularies that entries are tagged from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.clock import iso
from sandbox.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.clock import Clock

Json = dict[str, Any]
NOT_FOUND = 404


class Taxonomies:
    """The published taxonomies of a stack, each a tree of terms.

    No event is ever written for them: the feed does not know them.
    """

    def __init__(self, clock: Clock, published: Callable[[], Json]) -> None:
        """Start without any; `published` makes the publish details of a new item."""
        self._clock = clock
        self._published = published
        self._taxonomies: dict[str, Json] = {}
        self._terms: dict[str, dict[str, Json]] = {}

    def add(self, uid: str, name: str | None = None, description: str = "") -> None:
        """Add a taxonomy, or change its name and description."""
        self._terms.setdefault(uid, {})
        self._taxonomies[uid] = self._saved(
            self._taxonomies.get(uid), {"uid": uid, "name": name or uid.title(), "description": description}
        )

    def add_term(self, taxonomy_uid: str, uid: str, name: str | None = None, parent_uid: str | None = None) -> None:
        """Add a term below another or at the top, or change it.

        Raises:
            KeyError: There is no such taxonomy or parent.
        """
        terms = self._terms[taxonomy_uid]
        depth = 1 if parent_uid is None else terms[parent_uid]["depth"] + 1
        term = {"taxonomy_uid": taxonomy_uid, "uid": uid, "name": name or uid.title()}
        terms[uid] = self._saved(terms.get(uid), term | {"parent_uid": parent_uid, "depth": depth})

    def remove_term(self, taxonomy_uid: str, uid: str) -> set[str]:
        """Remove a term and those below it; return their uids.

        Raises:
            KeyError: There is no such term.
        """
        terms = self._terms[taxonomy_uid]
        if uid not in terms:
            raise KeyError(uid)
        removed = {uid}
        while below := {each["uid"] for each in terms.values() if each["parent_uid"] in removed} - removed:
            removed |= below
        for each in removed:
            del terms[each]
        return removed

    def remove(self, uid: str) -> set[str]:
        """Remove a taxonomy; return the uids of its terms.

        Raises:
            KeyError: There is no such taxonomy.
        """
        del self._taxonomies[uid]
        return set(self._terms.pop(uid))

    def all(self) -> list[Json]:
        """Return all taxonomies, as the API shows them."""
        return list(self._taxonomies.values())

    def terms(self) -> Iterator[Json]:
        """Yield the terms of all taxonomies."""
        for terms in self._terms.values():
            yield from terms.values()

    def find(self, uid: str) -> Json:
        """Return a taxonomy.

        Raises:
            Refusal: There is no such taxonomy.
        """
        if uid not in self._taxonomies:
            raise Refusal(NOT_FOUND, NOT_FOUND, f"The taxonomy '{uid}' was not found.", "taxonomy_uid")
        return self._taxonomies[uid]

    def terms_of(self, uid: str) -> list[Json]:
        """Return the terms of a taxonomy, parents first.

        Raises:
            Refusal: There is no such taxonomy.
        """
        self.find(uid)
        return list(self._terms[uid].values())

    def find_term(self, taxonomy_uid: str, uid: str) -> Json:
        """Return a term.

        Raises:
            Refusal: There is no such taxonomy or term.
        """
        for term in self.terms_of(taxonomy_uid):
            if term["uid"] == uid:
                return term
        raise Refusal(NOT_FOUND, NOT_FOUND, f"The term '{uid}' was not found.", "term_uid")

    def _saved(self, before: Json | None, data: Json) -> Json:
        now = iso(self._clock.tick())
        created = now if before is None else before["created_at"]
        return {**data, "created_at": created, "updated_at": now, **self._published()}
