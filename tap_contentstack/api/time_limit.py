"""The time limit of a run: once it has elapsed, nothing more is requested from the API."""

from __future__ import annotations

from tap_contentstack.errors import TimeIsUpError
from tap_contentstack.values.clock import Clock

GRACE = 10.0
"""Seconds beyond the end that a run may still wait for its turn, as long as it has not read a single page."""


class TimeLimit:
    """Decides whether requests and waits may still begin.

    Schedulers and CI systems end a job at its time limit, and nothing of it may be kept then. A run that stops in
    time ends by itself, with its state written. At least one page is read in any run, so that each gets somewhere.
    """

    def __init__(self, seconds: float | None = None, *, started: float = 0.0, clock: Clock | None = None) -> None:
        """Start the clock.

        Args:
            seconds: How long the run may take; None for as long as it needs.
            started: When it began, in seconds since 1970.
            clock: The time.
        """
        self._seconds = seconds
        self._clock = clock or Clock()
        self._end = (
            float("inf") if seconds is None else self._clock.monotonic() + started + seconds - self._clock.time()
        )
        self._has_page = False

    def note_page(self) -> None:
        """Take note of a page: from now on the end counts."""
        self._has_page = True

    @property
    def is_over(self) -> bool:
        """Whether no more requests may be sent."""
        return self._has_page and self._clock.monotonic() >= self._end

    def check(self) -> None:
        """Return if a request may be sent.

        Raises:
            TimeIsUpError: It may not.
        """
        if self.is_over:
            raise self._time_is_up()

    def check_wait(self, seconds: float) -> None:
        """Return if there is time for a wait.

        Raises:
            TimeIsUpError: The time limit would be reached before the wait ends.
        """
        if self._clock.monotonic() + seconds >= self._end + (0.0 if self._has_page else GRACE):
            raise self._time_is_up()

    def sleep(self, seconds: float) -> None:
        """Wait, if there is time for it.

        Raises:
            TimeIsUpError: There is not.
        """
        self.check_wait(seconds)
        self._clock.sleep(seconds)

    def _time_is_up(self) -> TimeIsUpError:
        return TimeIsUpError(f"max_run_seconds ({self._seconds:g}) has elapsed")
