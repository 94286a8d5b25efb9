"""Fetches complete lists from the delivery API: content types, global fields, taxonomies and their terms."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from tap_contentstack.api.page import PAGE_SIZE
from tap_contentstack.api.responses import DEEPEST, count_or_none, decode_list, is_too_deep
from tap_contentstack.errors import ApiError, NotFoundError, RefusedError
from tap_contentstack.values.texts import shown

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from tap_contentstack.api.client import Client

Item: t.TypeAlias = dict[str, t.Any]

WITH_SCHEMAS = {"include_global_field_schema": "true", "include_branch": "true"}
"""With these, content types and global fields name their branch, and contain the schemas of their global fields."""
ALL_LEVELS = {"depth": "10"}
"""Terms of all levels: there are at most ten (Contentstack docs: limitations for taxonomy). Without `depth`, the
management API returns only the first level."""


@dataclass
class _Reading:
    """One reading of a list.

    Attributes:
        items: By uid.
        counts: How many items there are, as its pages say.
        seen: The items on its pages.
    """

    items: dict[str, Item] = field(default_factory=dict)
    counts: set[int] = field(default_factory=set)
    seen: int = 0

    @property
    def repeated(self) -> int:
        """How many items came more than once."""
        return self.seen - len(self.items)

    @property
    def is_whole(self) -> bool:
        """Whether nothing shows that an edit has moved items between the pages."""
        count = max(self.counts, default=0)
        return not self.repeated and self.counts <= {count} and self.seen >= count


class Lists:
    """Fetches complete lists, each item once."""

    def __init__(self, client: Client, logger: logging.Logger) -> None:
        """Fetch nothing yet."""
        self._client = client
        self._logger = logger

    def content_types(self) -> list[Item]:
        """Return all content types, with the schemas of their global fields inline."""
        return self._whole("/v3/content_types", "content_types", WITH_SCHEMAS)

    def has_content_types(self) -> bool:
        """Return whether there is any content type now."""
        response = self._client.get("/v3/content_types", {"limit": "1"}, partial(decode_list, key="content_types"))
        return bool(response["content_types"])

    def global_fields(self) -> list[Item]:
        """Return all global fields, including unused ones."""
        return self._whole("/v3/global_fields", "global_fields", WITH_SCHEMAS)

    def taxonomies(self) -> list[Item]:
        """Return the published taxonomies."""
        return self._whole("/v3/taxonomies", "taxonomies", {})

    def taxonomy_terms(self) -> list[Item]:
        """Return the published terms of all taxonomies.

        Raises:
            RefusedError: The API provides the terms of no taxonomy; a NotFoundError stands for the same.
            ApiError: It lists a taxonomy and refuses its terms, twice, while it provides those of others.
        """
        terms, refusals = self._terms(self.taxonomies())
        if refusals:  # a taxonomy may have been deleted since it was listed
            terms, refusals = self._terms(self.taxonomies())
        for uid, error in refusals.items():
            if not terms:
                raise error
            msg = f"the API lists the taxonomy '{shown(uid)}', but refuses its terms: {error}"
            raise ApiError(msg)
        return [term for each in terms.values() for term in each]

    def _terms(self, taxonomies: Iterable[Item]) -> tuple[dict[str, list[Item]], dict[str, ApiError]]:
        """Return the terms of each taxonomy, and why they are refused, by taxonomy."""
        terms: dict[str, list[Item]] = {}
        refusals: dict[str, ApiError] = {}
        for taxonomy in taxonomies:
            uid = taxonomy["uid"]
            try:
                found = self._whole(f"/v3/taxonomies/{quote(uid, safe='')}/terms", "terms", ALL_LEVELS)
            except (RefusedError, NotFoundError) as error:
                refusals[uid] = error
            else:
                terms[uid] = [{**term, "taxonomy_uid": uid} for term in found]
        return terms, refusals

    def _whole(self, path: str, key: str, params: Mapping[str, str]) -> list[Item]:
        """Return a list; read it again if it is not whole, as edits move items between its pages."""
        reading = self._read(path, key, params)
        if not reading.is_whole:
            reading = self._read(path, key, params)
        if not reading.is_whole:
            what, count, listed = key.replace("_", " "), min(reading.counts, default=0), len(reading.items)
            if listed < count:
                text = "The API reported %d %s but listed %d, twice; continuing with these"
                self._logger.warning(text, count, what, listed)
            else:
                text = "The list of %s changed twice while it was read; continuing with these %d"
                self._logger.warning(text, what, listed)
        return list(reading.items.values())

    def _read(self, path: str, key: str, params: Mapping[str, str]) -> _Reading:
        """Return what the pages of a list have."""
        reading = _Reading()
        while True:
            query = {**params, "include_count": "true", "skip": str(reading.seen), "limit": str(PAGE_SIZE)}
            response = self._client.get(path, query, partial(decode_list, key=key))
            page, count = response[key], count_or_none(response.get("count"))
            if deep := [each["uid"] for each in page if is_too_deep(each)]:
                msg = f"'{shown(deep[0])}' of the {key.replace('_', ' ')} is nested more than {DEEPEST} levels deep"
                raise ApiError(msg)
            reading.items.update((each["uid"], each) for each in page)
            reading.seen += len(page)
            if count is not None:
                reading.counts.add(count)
                is_last = reading.seen >= count
            else:
                is_last = len(page) < PAGE_SIZE
            # Edits repeat a few items; where it is more than a page of them, `skip` is ignored.
            if not page or is_last or reading.repeated > PAGE_SIZE:
                return reading
