"""How many items the API counts as published, so that a warehouse can check itself against it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_contentstack.errors import ApiError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Sequence

    from tap_contentstack.api.feed import Feed


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Asks for the number of published items: one request per content type and locale.

    The delivery API's `count`, asked for one locale and without fallback, is exact for entries (the vendor's own test
    suites). For assets it may lag: deleting one does not purge the API's cache.
    """

    feed: Feed
    content_type_uids: Callable[[], Sequence[str]]
    """The content types of the stream as they are now; `sys_assets` stands for assets."""
    logger: logging.Logger

    def published(self, locales: Iterable[str]) -> dict[str, int] | None:
        """Return how many items are published, by locale; None if the API does not tell."""
        try:
            uids = self.content_type_uids()
            return {locale: sum(self.feed.count(uid, locale) for uid in uids) for locale in sorted(locales)}
        except ApiError as error:
            self.logger.warning("The API does not say how many items are published: %s", error)
            return None
