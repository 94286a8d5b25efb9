"""Finds the rows that a delete removed but did not name: asks the API, and returns their tombstones."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import islice

from tap_contentstack.api.page import PAGE_SIZE
from tap_contentstack.errors import AccessError, ApiError, NotFoundError
from tap_contentstack.events import ASSET_EVENTS, ASSETS
from tap_contentstack.sync.delta import Delta
from tap_contentstack.sync.interruptions import Reason, StartOver

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_contentstack.api.feed import Feed
    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.items import ItemReader

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
    lister: Callable[[], ItemReader]
    """Makes a reader that only tells which rows there are: no map is evaluated, and nothing is reported."""
    is_gone: Callable[[str], bool]
    """Whether a content type has been deleted."""
    check_access: Callable[[], None]
    """Sees that an empty response does not come from a token that has lost its access."""

    def tombstones(
        self,
        delta: Delta,
        own_locales: Collection[str],
        known_locales: Collection[str],
        has_restarted: Callable[[Reason], bool],
    ) -> list[t.Any]:
        """Return a message for each row that is gone though the delta does not name it.

        A deleted item cannot be published in a locale that neither the bookmark nor the delta names. A run whose state
        was lost may have left rows there, so their tombstones are written without asking.

        Args:
            delta: The whole delta.
            own_locales: The locales that the bookmark knows.
            known_locales: The locales that rows of any stream may have been published to.
            has_restarted: Whether the stream has restarted for a reason already.

        Raises:
            StartOver: A new initial pass is cheaper, or the only way to know.
        """
        asked = delta.locales.union(own_locales)
        candidates = asked.union(known_locales)
        if not candidates and delta.has_removals_without_locale and not has_restarted(Reason.UNPLACED):
            raise StartOver(Reason.UNPLACED)
        questions = delta.questions(candidates)
        result = [
            self.reader.tombstone(change, locale)
            for (_, locale), changes in questions.items()
            if locale not in asked
            for change in changes.values()
        ]
        questions = {key: changes for key, changes in questions.items() if key[1] in asked}
        self._weigh(questions, has_restarted)
        alive = self._alive(questions)
        return result + [
            self.reader.tombstone(change, locale)
            for (_, locale), changes in questions.items()
            for uid, change in changes.items()
            if (uid, locale) not in alive
        ]

    def _weigh(self, questions: Questions, has_restarted: Callable[[Reason], bool]) -> None:
        """Restart where many items were deleted and asking about them takes more requests than a new initial pass."""
        items = {uid for changes in questions.values() for uid in changes}
        if len(items) <= FEW_ITEMS or has_restarted(Reason.REMOVALS):
            return
        requests = sum(-(-len(changes) // PAGE_SIZE) for changes in questions.values())
        size = self.feed.size()
        if size is not None and requests > size / PAGE_SIZE:
            raise StartOver(Reason.REMOVALS, f"{len(items)} items")

    def _alive(self, questions: Questions) -> set[tuple[str, str]]:
        """Return which of the items are still published, each with its locale."""
        alive: set[tuple[str, str]] = set()
        ends_in_doubt = False
        try:
            for (content_type_uid, locale), changes in questions.items():
                uids = iter(changes)
                # An asset is known by its event, whatever the item says its content type is.
                about = ASSETS if changes[next(iter(changes))].event in ASSET_EVENTS else content_type_uid
                while some := list(islice(uids, PAGE_SIZE)):
                    found = self._still_published(about, locale, some)
                    alive.update((uid, locale) for uid in found)
                    ends_in_doubt = about == ASSETS and not found
        except AccessError:
            raise
        except ApiError as error:
            return self._listed(questions, error)
        # A response with something in it shows that the token still had access when earlier ones came back empty: lost
        # access does not return within seconds. Entries need no check: without access their content type is unknown.
        if ends_in_doubt:
            self.check_access()
        return alive

    def _still_published(self, content_type_uid: str, locale: str, uids: list[str]) -> set[str]:
        if not content_type_uid:
            msg = "a removed entry is of an unknown content type"
            raise ApiError(msg)
        try:
            return self.feed.still_published(content_type_uid, locale, uids)
        except NotFoundError:
            if content_type_uid == ASSETS or not self.is_gone(content_type_uid):
                raise
            return set()

    def _listed(self, questions: Questions, refusal: ApiError) -> set[tuple[str, str]]:
        """Return the same as `_alive`, by reading an initial pass instead; nothing is written.

        So a refusal that recurs run after run does not make the stream restart each time. Where the feed lists nothing
        in one of the locales, the stack may no longer have that language: a restart sweeps its rows and forgets it.

        Raises:
            StartOver: A locale is empty, or the list cannot be believed.
        """
        self.reader.logger.warning(
            "The API does not say which items are still published, so all that is published is listed: %s", refusal
        )
        uids = {uid for changes in questions.values() for uid in changes}
        try:
            listed, counted = self._list(uids)
            if not counted.is_whole:
                # An edit may have shifted the pages; or the count is always wrong, as it is in an initial pass, too.
                before, (listed, counted) = (listed, counted.items, counted.total), self._list(uids)
                if not counted.is_whole and before != (listed, counted.items, counted.total):
                    raise StartOver(Reason.CHECK, str(refusal))
        except AccessError:
            raise
        except ApiError as error:
            raise StartOver(Reason.CHECK, str(error)) from None
        if any(("", locale) not in listed for _, locale in questions):
            raise StartOver(Reason.CHECK, str(refusal))
        if not counted.is_whole:
            text = "The API reported %d items but listed %d, twice; continuing with these"
            self.reader.logger.warning(text, counted.total, counted.items)
        return listed

    def _list(self, uids: Collection[str]) -> tuple[set[tuple[str, str]], Delta]:
        """Return what is published of these items, and how many items the feed has.

        Each locale that anything is published to is there, too, with an empty uid.
        """
        listed: set[tuple[str, str]] = set()
        counted, reader = Delta(), self.lister()
        for page in self.feed.initial_pass():
            counted.note(page)
            for row in reader.rows(page.items):
                if row.locale:
                    listed.add(("", row.locale))
                    if row.uid in uids:
                        listed.add((row.uid, row.locale))
        return listed, counted
