"""The CDN in front of the API: responses kept by URL, until an edit purges them or they are too old."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sandbox.page import Page
    from sandbox.stack import Stack


class Cdn:
    """Keeps the responses to the requests for one stack.

    As the vendor documents it, each edit purges them but the deletion of an asset; silent changes do not either.
    """

    def __init__(self, stack: Stack, now: Callable[[], float]) -> None:
        """Start empty; `now` is the time in seconds."""
        self._stack = stack
        self._now = now
        self._lock = Lock()
        self._kept: dict[Hashable, tuple[float, Page | Any]] = {}
        self._purged_at = 0

    def answer(self, question: Hashable, seconds: float, ask: Callable[[], Page | Any]) -> tuple[Any, dict[str, str]]:
        """Return the response, from the cache if it is younger than `seconds`, and the headers that tell."""
        now = self._now()
        with self._lock:
            purged_at = self._stack.log.purged_at
            if purged_at != self._purged_at:
                self._purged_at = purged_at
                self._kept.clear()
            kept = self._kept.get(question)
        if kept is not None and now - kept[0] < seconds:
            return kept[1], {"x-cache": "HIT", "Age": str(int(now - kept[0]))}
        answer = ask()
        with self._lock:
            self._kept[question] = now, answer
        return answer, {"x-cache": "MISS", "Age": "0"}
