"""The brake: delays the removal of rows until some stream has shown that anything is published at all.

`singer/preflight.py` pulls it before a run, initial passes that list something release it, and at the end of the run
`Run._confirms` decides about the streams that have waited; `Stack.require_allow_empty` makes the error.
"""

from __future__ import annotations


class Brake:
    """Holds back the sweeps of passes that list nothing, until it is sure that something is published.

    Where the state knew rows, and every full pass of the run lists nothing, the settings are more likely to be wrong
    (another environment or branch, a start date) than everything to be unpublished. One pass that lists an item, or a
    stream with rows that continues with its delta, releases the brake for all.
    """

    def __init__(self) -> None:
        """Start released; `pull` is called when the state turns out to know rows."""
        self.holds = False
        """Whether a pass that lists nothing has to wait with its sweep."""

    def pull(self) -> None:
        """Hold sweeps back from now on."""
        self.holds = True

    def release(self) -> None:
        """Let sweeps go."""
        self.holds = False
