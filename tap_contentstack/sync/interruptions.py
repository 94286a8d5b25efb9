"""Exceptions that interrupt a load: it restarts, waits, is left to the next run, or its content type is gone."""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Why a stream restarts, with an initial pass.

    Each at most once until the pass's sync token is reached, over all runs (the bookmark remembers it), and at most
    once in a run: no stream restarts again and again for the same lasting reason.
    """

    TOKEN = "its token is refused"  # noqa: S105
    COUNT = "its pages did not hold as many items as the API counts"
    SHIFTED = "the API's item count changed while its pages were read"
    TYPE_DELETED = "its content type was deleted and created again"
    CHECK = "the API did not say which items are still published"
    REMOVALS = "so many items were deleted that a reload takes fewer requests than checking each of them"
    UNPLACED = "an item was deleted, and it is not known in which locales it has rows"
    TIME_BOX = "its changes did not fit into a whole time limit, and only an initial pass can be resumed"


class StartOver(Exception):  # noqa: N818 - no error
    """The stream has to restart, with an initial pass."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """Say why."""
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


class LeaveForNextRunError(Exception):
    """What the delta brings is better dealt with by the next run; the bookmark stays where it is."""


class ContentTypeGoneError(Exception):
    """The stream's content type was deleted while the run was under way."""


class PostponedError(Exception):
    """The pass lists nothing, though the state knew rows: its sweep waits until another stream lists something."""
