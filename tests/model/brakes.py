"""The brakes: no run removes rows that are published, nor all rows before the user has confirmed that."""

from __future__ import annotations

import json
import typing as t
from http import HTTPStatus

from tap_contentstack.sync.bookmarks import HAD_ROWS
from tests.model.compare import published
from tests.model.divergence import fail
from tests.model.restarts import is_under_way
from tests.tap_process import LISTS

if t.TYPE_CHECKING:
    from tests.model.deployment import Deployment
    from tests.model.process import Outcome
    from tests.model.steps import Json
    from tests.model.target import Key


class Brakes:
    """What must hold where rows go, and what the user confirms.

    Attributes:
        confirming: Whether the user confirms, for the next run, that all is gone.
        confirmed: Whether the user had confirmed that for this run.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.confirming = self.confirmed = False

    def is_braked(self, outcome: Outcome, *, misled: bool) -> bool:
        """Return whether a run stopped because all seems to be gone; then it must be so, and the user confirms it."""
        world, settings = self._deployment.world, self._deployment.settings
        asked = [warning for warning in outcome.warnings if "run once with allow_empty" in warning]
        listless = any("lists no content type" in warning for warning in asked)
        if listless and not misled and world.stack.content_types:
            fail("brake", asked[0])
        if not misled and any("nothing is published in scope" in warning for warning in asked):
            feeds = sorted(outcome.selected - {*LISTS})
            if found := [stream for stream in feeds if published(world, settings, stream)]:
                fail("brake", f"{asked[0]}, but there is something in {found}")
        return bool(asked) and not misled

    def check_rows(
        self, outcome: Outcome, given: Json | None, before: set[tuple[str, Key]], details: Json, *, listed: bool
    ) -> None:
        """See that no rows went that a mistake of the user or a token without access could have cost.

        Args:
            outcome: How the run ended.
            given: The state that it was given.
            before: The rows before it.
            details: Those of the run.
            listed: Whether it listed anything, though an edit may have removed that meanwhile.
        """
        if outcome.code == 0 and details.get("cut") is None and not listed:
            self._check_swept(outcome, given, before)
        if details.get("lost_from") is None:
            return
        read_again = _streams_to_read_again(outcome, given)
        if rows := {row for row in self._missing(before) if row[0] not in read_again}:
            fail("lost", f"without access, {sorted(rows)} are removed, which are published")

    def _check_swept(self, outcome: Outcome, given: Json | None, before: set[tuple[str, Key]]) -> None:
        """See that a run that knew rows does not sweep all of them, unless the user has confirmed that."""
        deployment = self._deployment
        if deployment.setup["mapped"]:  # what it listed may all have been filtered
            return
        bookmarks = [each for each in ((given or {}).get("bookmarks") or {}).values() if isinstance(each, dict)]
        if _passes_listed(outcome, bookmarks):
            return
        followed = {each.get("replication_key_value") for each in bookmarks} - {None}
        asked = {each.params.get("sync_token") for each in outcome.asked if each.status == HTTPStatus.OK}
        knew = any(each.get("locales") or HAD_ROWS in each.get("restarts", ()) for each in bookmarks)
        swept = before and all(key not in deployment.target.tables[stream].rows for stream, key in before)
        if swept and knew and not followed & asked and not self.confirmed and not deployment.live(outcome.selected):
            fail("brake", f"all of {len(before)} rows are swept, and nobody has confirmed that")

    def _missing(self, before: set[tuple[str, Key]]) -> set[tuple[str, Key]]:
        """Return the rows that are not there any more, though they are published."""
        deployment = self._deployment
        gone = before - deployment.live({stream for stream, _ in before})
        expected = {stream: published(deployment.world, deployment.settings, stream) for stream, _ in gone}
        return {(stream, key) for stream, key in gone if key in expected[stream]}


def _passes_listed(outcome: Outcome, bookmarks: list[Json]) -> bool:
    """Return whether a pass listed something before it had to restart: in this run, or in the one that began it."""
    begun = any(is_under_way(each) and each.get("locales") for each in bookmarks)
    return begun or any(each.listed for each in outcome.asked if "pagination_token" in each.params)


def _streams_to_read_again(outcome: Outcome, given: Json | None) -> set[str]:
    """Return the streams whose delta was cut short: one of its events may have removed what a later one brings back."""
    messages = [json.loads(line) for line in outcome.lines]
    states = [given, *(message["value"] for message in messages if message["type"] == "STATE")]
    before, after = _tokens(states[0]), _tokens(states[-1])
    return {name for name, token in before.items() if token and after.get(name) == token}


def _tokens(state: Json | None) -> dict[str, object]:
    bookmarks = (state or {}).get("bookmarks")
    if not isinstance(bookmarks, dict):
        return {}
    return {name: each.get("replication_key_value") for name, each in bookmarks.items() if isinstance(each, dict)}
