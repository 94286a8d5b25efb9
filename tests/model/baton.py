"""Threads that take turns, so that a run with several of them can be replayed."""

from __future__ import annotations

import threading
import typing as t

if t.TYPE_CHECKING:
    import random

PATIENCE = 60.0
"""Seconds after which a turn that does not come is an error of the model."""


class Baton:
    """Lets one of its threads run at a time; whenever one asks the API, chance says which goes on."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._turn = threading.Condition()
        self._expected = 0
        self._members: set[str] = set()
        self._entered = 0
        self._holder: str | None = None

    @property
    def is_member(self) -> bool:
        """Whether this thread is one of those that take turns."""
        return threading.current_thread().name in self._members

    def expect(self, number: int) -> None:
        """Wait for so many more threads before the first of them may run."""
        self._expected += number

    def enter(self) -> None:
        """Join in, and wait for the first turn."""
        with self._turn:
            self._members.add(threading.current_thread().name)
            self._entered += 1
            if self._entered == self._expected:
                self._pass_on()
            self._wait()

    def switch(self) -> None:
        """Let chance decide who goes on."""
        with self._turn:
            if threading.current_thread().name in self._members:
                self._pass_on()
                self._wait()

    def leave(self) -> None:
        """Take no further part."""
        with self._turn:
            self._members.discard(threading.current_thread().name)
            self._pass_on()

    def wait_until_empty(self) -> None:
        """Return when all threads have left."""
        with self._turn:
            if not self._turn.wait_for(lambda: not self._members and self._entered >= self._expected, PATIENCE):
                msg = f"threads {sorted(self._members)} do not end"
                raise RuntimeError(msg)

    def _pass_on(self) -> None:
        self._holder = self._chance.choice(sorted(self._members)) if self._members else None
        self._turn.notify_all()

    def _wait(self) -> None:
        me = threading.current_thread().name
        if not self._turn.wait_for(lambda: self._holder == me, PATIENCE):
            msg = f"{me} does not get its turn"
            raise RuntimeError(msg)
