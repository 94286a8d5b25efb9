"""A pass of the feed: its items, pinned when it began, and the pages that they are cut into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.behaviour import Behaviour
    from sandbox.event import Event
    from sandbox.scope import Scope

EMPTY_PAGE_EVERY = 3


@dataclass(slots=True, eq=False)
class Pass:
    """One initial or delta pass, pinned when it began.

    Attributes:
        scope: What the feed is about.
        items: Its items: an event, and the locale that it is to name.
        end: The position in the log up to which it tells.
        revision: What the stack held when it began.
        behaviour: The behaviour it began with.
        limit: Items a page.
        total_count: What it says that its number of items is.
        pages: Where each page starts and ends.
        tokens: Token of each page, and behind them the final sync token, once they were issued.
        initial: It lists what is published.
    """

    scope: Scope
    items: list[tuple[Event, str]]
    end: int
    revision: tuple[int, int]
    behaviour: Behaviour
    limit: int
    total_count: int | None
    pages: list[tuple[int, int]] = field(default_factory=list)
    tokens: dict[int, str] = field(default_factory=dict)
    initial: bool = False

    def __post_init__(self) -> None:
        """Cut the pages."""
        self.cut()

    def cut(self) -> None:
        """Cut the items into pages."""
        self.pages.clear()
        starts = range(0, max(len(self.items), 1), self.limit)
        for number, start in enumerate(starts):
            last = number == len(starts) - 1
            if self.behaviour.empty_pages and (number % EMPTY_PAGE_EVERY == 0 or last):
                self.pages.append((start, start))
            self.pages.append((start, min(start + self.limit, len(self.items))))
