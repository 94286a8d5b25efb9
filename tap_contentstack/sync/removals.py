"""Finds the rows that a delete affects without naming them: asks the API, and writes tombstones for those gone."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import islice

from tap_contentstack.api.page import PAGE_SIZE
from tap_contentstack.errors import AccessError, ApiError, NotFoundError
from tap_contentstack.events import ASSET_EVENTS, ASSETS
from tap_contentstack.sync.turns import Reason, StartOver

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_contentstack.api.feed import Feed
    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.items import ItemReader
    from tap_contentstack.sync.delta import Delta

    Questions: t.TypeAlias = Mapping[tuple[str, str], Mapping[str, Change]]
    """Deleted items, by content type and locale, each with the change that leaves its row in doubt."""


FEW_ITEMS = PAGE_SIZE
"""Deleted items that are asked about whatever it costs: reloading a stream because of some is never worth it."""


@dataclass(frozen=True, kw_only=True)
class Removals:
    """Settles what a delta's deletes leave open.

    A delete may stand for one locale or for the whole item, and may name no locale at all (the documentation does not
    say, and the vendor's own tools disagree). The delivery API lists what is published to a locale, so it settles it:
    one request per 100 deleted items and locale.
    """

    feed: Feed
    reader: ItemReader

    def tombstones(
        self,
        delta: Delta,
        own_locales: Collection[str],
        known_locales: Collection[str],
        has_passed: Callable[[Reason], bool],
    ) -> list[t.Any]:
        """Return a message for each row that is gone though the delta does not name it.

        In a locale that neither the bookmark nor the delta names, a deleted item cannot be published: the bookmark
        knows those of all rows up to its sync token, and the delta those of all since. Rows may be there all the same,
        from a run whose state was lost. So these get their tombstones without a question.

        Args:
            delta: The whole delta.
            own_locales: The locales that the bookmark knows.
            known_locales: The locales that rows of any stream may have been published to.
            has_passed: Whether the stream has restarted for a reason already.

        Raises:
            StartOver: A new initial pass is cheaper, or the only way to know.
        """
        asked = delta.locales.union(own_locales)
        candidates = asked.union(known_locales)
        if not candidates and delta.has_unplaced_deletes and not has_passed(Reason.UNPLACED):
            raise StartOver(Reason.UNPLACED)
        questions = delta.questions(candidates)
        result = [
            self.reader.tombstone(change, locale)
            for (_, locale), changes in questions.items()
            if locale not in asked
            for change in changes.values()
        ]
        questions = {key: changes for key, changes in questions.items() if key[1] in asked}
        self._weigh(questions, has_passed)
        for (content_type_uid, locale), changes in questions.items():
            uids = iter(changes)
            # An asset is known by its event, whatever the item says its content type is.
            about = ASSETS if changes[next(iter(changes))].event in ASSET_EVENTS else content_type_uid
            while some := list(islice(uids, PAGE_SIZE)):
                alive = self._still_published(about, locale, some)
                result += [self.reader.tombstone(changes[uid], locale) for uid in some if uid not in alive]
        return result

    def _weigh(self, questions: Questions, has_passed: Callable[[Reason], bool]) -> None:
        """Restart where many items were deleted and asking about them takes more requests than a new initial pass."""
        items = {uid for changes in questions.values() for uid in changes}
        if len(items) <= FEW_ITEMS or has_passed(Reason.REMOVALS):
            return
        requests = sum(-(-len(changes) // PAGE_SIZE) for changes in questions.values())
        size = self.feed.size()
        if size is not None and requests > size / PAGE_SIZE:
            raise StartOver(Reason.REMOVALS, f"{len(items)} items")

    def _still_published(self, content_type_uid: str, locale: str, uids: list[str]) -> set[str]:
        try:
            return self.feed.still_published(content_type_uid, locale, uids)
        except NotFoundError:
            return set()
        except AccessError:
            raise
        except ApiError as error:
            raise StartOver(Reason.CHECK, str(error)) from None
