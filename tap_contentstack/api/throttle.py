"""One pace for all requests of a run: the user's cap, and whatever the API asks for."""

from __future__ import annotations

import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

FIRST_GAP = 0.02
"""Seconds between two requests after the first answer that there were too many."""
LONGEST_GAP = 2.0
"""Seconds between two requests, however often the API complains."""
RECOVERY = 0.95
"""What each good answer leaves of the gap: after some hundred of them the run is back at full speed."""
SETTLING = 1.0
"""Seconds in which further complaints count as the same one: feeds that run at once are throttled at once."""


class Throttle:
    """Hands out turns to send a request.

    The API's limit is counted per organization, not per stream (Contentstack docs: rate limits), so every feed waits
    for its turn here, and an answer to one of them slows all.
    """

    def __init__(
        self,
        per_second: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start at full speed, or at the cap of `per_second` requests a second."""
        self._least_gap = 1 / per_second if per_second else 0.0
        self._gap = 0.0
        self._next_turn = 0.0
        self._paused_until = 0.0
        self._last_complaint = float("-inf")
        self._lock = threading.Lock()
        self._clock = clock
        self._sleep = sleep

    def wait_for_turn(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            turn = max(self._clock(), self._next_turn, self._paused_until)
            self._next_turn = turn + max(self._gap, self._least_gap)
        while (wait := max(turn, self._paused_until) - self._clock()) > 0:
            self._sleep(wait)

    def take_turn(self) -> bool:
        """Return whether a request may be sent now; then its turn is taken."""
        with self._lock:
            now = self._clock()
            if now < max(self._next_turn, self._paused_until):
                return False
            self._next_turn = now + max(self._gap, self._least_gap)
            return True

    def pause(self, seconds: float) -> None:
        """Hold all requests back for a while, as the API asked."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def slow_down(self) -> None:
        """Widen the gap between requests: the API said that there were too many."""
        with self._lock:
            now = self._clock()
            if now - self._last_complaint >= SETTLING:
                self._last_complaint = now
                self._gap = min(max(self._gap * 2, FIRST_GAP), LONGEST_GAP)

    def recover(self) -> None:
        """Narrow the gap a little: the API answered."""
        if self._gap:
            with self._lock:
                self._gap = self._gap * RECOVERY if self._gap > FIRST_GAP / 8 else 0.0
