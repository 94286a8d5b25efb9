"""Fetches complete lists from the delivery API: content types, global fields, taxonomies and their terms."""

from __future__ import annotations

import typing as t
from functools import partial
from urllib.parse import quote

from tap_contentstack.api.responses import DEEPEST, decode_list, is_too_deep
from tap_contentstack.errors import ApiError
from tap_contentstack.values.texts import shown

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_contentstack.api.client import Client

Item: t.TypeAlias = dict[str, t.Any]

PAGE_SIZE = 100
"""The most items that a page can have (Contentstack docs: get all content types)."""
WITH_SCHEMAS = {"include_global_field_schema": "true", "include_branch": "true"}
"""With these, content types and global fields name their branch, and contain the schemas of their global fields."""
ALL_LEVELS = {"depth": "10"}
"""Terms of all levels: there are at most ten (Contentstack docs: limitations for taxonomy). Without `depth`, the
management API returns only the first level."""


class Lists:
    """Fetches complete lists, each item once."""

    def __init__(self, client: Client, logger: logging.Logger) -> None:
        """Fetch nothing yet."""
        self._client = client
        self._logger = logger

    def content_types(self) -> list[Item]:
        """Return all content types, with the schemas of their global fields inline."""
        return self._whole("/v3/content_types", "content_types", WITH_SCHEMAS)

    def global_fields(self) -> list[Item]:
        """Return all global fields, including unused ones."""
        return self._whole("/v3/global_fields", "global_fields", WITH_SCHEMAS)

    def taxonomies(self) -> list[Item]:
        """Return the published taxonomies."""
        return self._whole("/v3/taxonomies", "taxonomies", {})

    def taxonomy_terms(self) -> list[Item]:
        """Return the published terms of all taxonomies."""
        return [
            {**term, "taxonomy_uid": taxonomy["uid"]}
            for taxonomy in self.taxonomies()
            for term in self._whole(f"/v3/taxonomies/{quote(taxonomy['uid'], safe='')}/terms", "terms", ALL_LEVELS)
        ]

    def _whole(self, path: str, key: str, params: Mapping[str, str]) -> list[Item]:
        """Return a list; fetch it again if it is shorter than the API counts, as edits move items between pages."""
        found, count = self._pages(path, key, params)
        if len(found) < count:
            found, count = self._pages(path, key, params)
        if len(found) < count:
            what = key.replace("_", " ")
            text = "The API counts %d %s and lists %d, twice; continuing with these"
            self._logger.warning(text, count, what, len(found))
        return found

    def _pages(self, path: str, key: str, params: Mapping[str, str]) -> tuple[list[Item], int]:
        """Return the items that the API lists, and the number that it counts."""
        found: dict[str, Item] = {}
        skip = 0
        while True:
            query = {**params, "include_count": "true", "skip": str(skip), "limit": str(PAGE_SIZE)}
            answer = self._client.get(path, query, partial(decode_list, key=key))
            page, count = answer[key], answer.get("count")
            if deep := [each["uid"] for each in page if is_too_deep(each)]:
                msg = f"'{shown(deep[0])}' of the {key.replace('_', ' ')} is nested more than {DEEPEST} levels deep"
                raise ApiError(msg)
            found.update((each["uid"], each) for each in page)
            skip += len(page)
            repeated = skip - len(found)  # edits move a few items; more than a page of them, and `skip` is ignored
            counted = skip >= count if isinstance(count, int) else len(page) < PAGE_SIZE
            if not page or counted or repeated > PAGE_SIZE:
                return list(found.values()), count if isinstance(count, int) else len(found)
