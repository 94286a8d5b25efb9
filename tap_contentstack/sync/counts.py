"""How many items the API counts as published, so that a warehouse can check itself against it."""

from __future__ import annotations

import abc
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from tap_contentstack.errors import ApiError, NotFoundError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable

    from tap_contentstack.api.feed import Feed


@dataclass(frozen=True, kw_only=True)
class Counts(abc.ABC):
    """Asks for the number of published items: one request per content type and locale.

    The delivery API's `count`, asked for one locale and without fallback, is exact for entries (the vendor's own test
    suites). For assets it may lag: deleting one does not purge the API's cache.
    """

    feed: Feed
    logger: logging.Logger

    def published(self, locales: Iterable[str]) -> dict[str, int] | None:
        """Return how many items are published, by locale; None if the API does not tell."""
        try:
            return self._published(sorted(locales))
        except ApiError as error:
            self.logger.warning("The published items could not be counted: %s", error)
            return None

    @abc.abstractmethod
    def _published(self, locales: Iterable[str]) -> dict[str, int]:
        """Return how many items are published, by locale.

        Raises:
            ApiError: The API does not tell.
        """


@dataclass(frozen=True, kw_only=True)
class CountsOfType(Counts):
    """Asks for the number of published entries of one content type, or of assets."""

    content_type_uid: str
    """The content type; `sys_assets` stands for assets."""

    def _published(self, locales: Iterable[str]) -> dict[str, int]:
        return {locale: self.feed.count(self.content_type_uid, locale) for locale in locales}


@dataclass(frozen=True, kw_only=True)
class CountsOfAllTypes(Counts):
    """Asks for the number of published entries of all content types in scope together.

    The list of content types may lag behind the feed, so the numbers stand only if they add up to what the feed itself
    counts: one request more per locale.
    """

    content_type_uids: Callable[[], Iterable[str]]
    """The content types that are known by now, those out of scope included."""
    covers: Callable[[str], bool]
    """Whether a content type is in scope."""

    def _published(self, locales: Iterable[str]) -> dict[str, int]:
        uids = self.content_type_uids()
        return {locale: self._sum(uids, locale) for locale in locales}

    def _sum(self, uids: Iterable[str], locale: str) -> int:
        counts = {}
        for uid in uids:
            with suppress(NotFoundError):  # the list may still have a type that is gone
                counts[uid] = self.feed.count(uid, locale)
        total, listed = self.feed.entry_count(locale), sum(counts.values())
        if total != listed:
            msg = f"the feed has {total} entries in '{locale}', the listed content types have {listed}"
            raise ApiError(msg)
        return sum(number for uid, number in counts.items() if self.covers(uid))
