"""Paces all requests of a run: the user's cap, and the waits that the API demands."""

from __future__ import annotations

import random
import threading
import time
import typing as t

from tap_contentstack.errors import ApiError

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_contentstack.errors import ThrottledError

FIRST_GAP = 0.02
"""Seconds between two requests after the first 429."""
LONGEST_GAP = 2.0
"""The most seconds between two requests, however often the API throttles."""
RECOVERY = 0.95
"""Factor by which each good response shrinks the gap: after some hundred the run is back at full speed."""
LONGEST_THROTTLING = 900.0
"""Seconds without a good response after which throttling is a failure."""
SETTLING = 1.0
"""Seconds in which further complaints count as the same one: feeds that run at once are throttled at once."""


class Throttle:
    """Hands out turns to send a request.

    The API's limit is counted per organization, not per stream (Contentstack docs: rate limits), so every feed waits
    for its turn here, and a 429 to one of them slows all.
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
        self._last_good: float | None = None
        self._began = clock()
        self._lock = threading.Lock()
        self._waiting = 0
        self._waiting_since = 0.0
        self.waited = 0.0
        """Seconds in which requests, one or several, waited because the API was throttling."""
        self._clock = clock
        self._sleep = sleep

    def wait_for_turn(self) -> None:
        """Return when the next request may be sent."""
        while True:
            with self._lock:
                turn = max(self._clock(), self._next_turn, self._paused_until)
                self._next_turn = turn + max(self._gap, self._least_gap)
            while (wait := turn - self._clock()) > 0:
                if self._paused_until > self._clock():
                    self.wait(wait)
                else:
                    self._sleep(wait)
            if self._paused_until <= turn:
                return
            # A pause began meanwhile: all that waited take new turns after it, or they would go at once at its end.

    def take_turn(self) -> bool:
        """Return whether a request may be sent now; then its turn is taken."""
        with self._lock:
            now = self._clock()
            if now < max(self._next_turn, self._paused_until):
                return False
            self._next_turn = now + max(self._gap, self._least_gap)
            return True

    def pause(self, seconds: float) -> None:
        """Hold back all requests for the wait that the API named."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    @property
    def has_succeeded(self) -> bool:
        """Whether there has been a good response to any request."""
        return self._last_good is not None

    def next_wait(self, error: ThrottledError, longest: float) -> float:
        """Return how many seconds to wait before the request is sent again.

        As long as the API asked, but no less than a random part of `longest`, so that an API that keeps saying
        `Retry-After: 0`, or nothing, is not asked in a tight loop.

        Args:
            error: The API's response.
            longest: Seconds, which the caller lets grow.

        Raises:
            ApiError: There has been no good response to any request for too long.
        """
        wait = max(error.retry_after or 0.0, random.uniform(longest / 2, longest))  # noqa: S311 - no cryptography
        now = self._clock()
        since = self._last_good if self._last_good is not None else self._began
        if now - since > LONGEST_THROTTLING:
            msg = (
                f"{error}, and has given no good response for {now - since:.0f} seconds: set or lower "
                "max_requests_per_second, or load at a quieter time"
            )
            raise ApiError(msg)
        return wait

    def wait(self, seconds: float) -> None:
        """Wait because the API is throttling."""
        with self._lock:
            self._waiting_since = self._waiting_since if self._waiting else self._clock()
            self._waiting += 1
        try:
            self._sleep(seconds)
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self.waited += self._clock() - self._waiting_since

    def slow_down(self) -> None:
        """Widen the gap between requests: the API said that there were too many."""
        with self._lock:
            now = self._clock()
            if now - self._last_complaint >= SETTLING:
                self._last_complaint = now
                self._gap = min(max(self._gap * 2, FIRST_GAP), LONGEST_GAP)

    def note_success(self) -> None:
        """Note a good response."""
        self._last_good = self._clock()

    def recover(self) -> None:
        """Narrow the gap a little: the API responded, and the limit is not used up."""
        if self._gap:
            with self._lock:
                self._gap = self._gap * RECOVERY if self._gap > FIRST_GAP / 8 else 0.0
