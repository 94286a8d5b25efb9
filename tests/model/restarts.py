"""Restarts: no stream starts over without a reason, nor twice for the same one."""

from __future__ import annotations

import re
import typing as t

from tests.model.divergence import fail

if t.TYPE_CHECKING:
    from tests.model.process import Outcome
    from tests.model.steps import Json
    from tests.model.target import Transcript

MISCOUNT = ": its pages did not hold"


class Restarts:
    """The restarts of a history's streams.

    Attributes:
        excused: Whether there was ever a reason to start over.
        miscounted: Versions of passes that have restarted for a miscount.
    """

    def __init__(self) -> None:
        self.excused = False
        self.miscounted: dict[str, int] = {}

    def check_reason(self, outcome: Outcome) -> None:
        """See that no stream has restarted unless there was ever a reason."""
        for warning in outcome.warnings if not self.excused else ():
            if "The stream restarts" in warning and re.search("is refused|did not hold", warning):
                fail("waste", warning)

    def check_miscounts(self, outcome: Outcome, given: Json | None, transcript: Transcript) -> dict[str, int]:
        """See that a pass that has restarted for a miscount does not do so again.

        Return the version that each stream announced when it did; one that restarts for another reason as well begins
        another pass.
        """
        if given is None:  # other passes begin, perhaps with a version that was announced, but not used
            self.miscounted.clear()
        bookmarks = (given or {}).get("bookmarks") or {}
        reasons: dict[str, list[str]] = {}
        for stream, text in outcome.restarts:
            reasons.setdefault(stream, []).append(text)
        announced: dict[str, int] = {}
        for stream in (name for name, texts in reasons.items() if len(texts) == 1 and MISCOUNT in texts[0]):
            resumed: t.Any = bookmarks.get(stream)
            if is_under_way(resumed) and resumed.get("version") == self.miscounted.get(stream):
                fail("waste", f"{stream} restarts for a miscount, as it did in an earlier run")
            versions = transcript.versions(stream)
            announced |= {stream: max(versions)} if len(versions) > 1 else {}
        return announced

    def note(self, announced: dict[str, int], state: Json | None) -> None:
        """Note the versions of passes that have restarted for a miscount, as far as the confirmed state is of these."""
        bookmarks = (state or {}).get("bookmarks") or {}
        for stream, version in announced.items():
            if isinstance(bookmarks.get(stream), dict) and bookmarks[stream].get("version") == version:
                self.miscounted[stream] = version


def is_under_way(bookmark: t.Any) -> bool:
    """Return whether a bookmark is of an initial pass that can go on."""
    return isinstance(bookmark, dict) and bool(bookmark.get("pagination_token"))
