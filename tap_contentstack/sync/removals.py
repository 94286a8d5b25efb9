"""The rows that a delete took along without naming them: the API is asked, and what is gone gets a tombstone."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import islice

from tap_contentstack.api.feed import PAGE_SIZE
from tap_contentstack.errors import AccessError, ApiError, NotFoundError
from tap_contentstack.events import ASSET_EVENTS, ASSETS
from tap_contentstack.sync.turns import Reason, StartOver

if t.TYPE_CHECKING:
    from collections.abc import Collection

    from tap_contentstack.api.feed import Feed
    from tap_contentstack.records.items import ItemReader
    from tap_contentstack.sync.delta import Delta

FEW_CHECKS = 10
"""Requests that may be spent on deleted items before they are weighed against the cost of a new initial pass."""


@dataclass(frozen=True, kw_only=True)
class Removals:
    """Settles what a delta's deletes leave open.

    A delete may stand for one locale or for the whole item, and may name no locale at all (the documentation does not
    say, and the vendor's own tools disagree). The delivery API lists what is published to a locale, so it settles it:
    one request per 100 deleted items and locale.
    """

    feed: Feed
    reader: ItemReader

    def tombstones(self, delta: Delta, locales: Collection[str], passed: Collection[Reason]) -> list[t.Any]:
        """Return a message for each row that is gone though the delta does not name it.

        Args:
            delta: The whole delta.
            locales: The locales that rows may have been published to.
            passed: What the stream has restarted for in this run.

        Raises:
            StartOver: A new initial pass is cheaper, or the only way to know.
        """
        candidates = delta.locales.union(locales)
        if not candidates and delta.has_unplaced_deletes and Reason.UNPLACED not in passed:
            raise StartOver(Reason.UNPLACED)
        questions = delta.questions(candidates)
        requests = sum(-(-len(changes) // PAGE_SIZE) for changes in questions.values())
        if requests > FEW_CHECKS and Reason.REMOVALS not in passed:
            size = self.feed.size()
            if size is not None and requests > size / PAGE_SIZE:
                raise StartOver(Reason.REMOVALS)
        result = []
        for (content_type_uid, locale), changes in questions.items():
            uids = iter(changes)
            # An asset is known by its event, whatever the item says its content type is.
            about = ASSETS if changes[next(iter(changes))].event in ASSET_EVENTS else content_type_uid
            while some := list(islice(uids, PAGE_SIZE)):
                alive = self._still_published(about, locale, some)
                result += [self.reader.tombstone(changes[uid], locale) for uid in some if uid not in alive]
        return result

    def _still_published(self, content_type_uid: str, locale: str, uids: list[str]) -> set[str]:
        try:
            return self.feed.still_published(content_type_uid, locale, uids)
        except NotFoundError:
            return set()
        except AccessError:
            raise
        except ApiError as error:
            raise StartOver(Reason.CHECK, str(error)) from None
