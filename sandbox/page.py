"""A page of the feed, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.event import encode

if TYPE_CHECKING:
    from sandbox.behaviour import Behaviour
    from sandbox.event import Event


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be sent.

    Attributes:
        items: The events on it.
        behaviour: How to write them.
        envelope: What stands beside the items.
        key: What always stands for the very same page, if anything.
    """

    items: list[tuple[Event, str]]
    behaviour: Behaviour
    envelope: dict[str, object]
    key: str | None = None

    def encode(self) -> bytes:
        """Write the page."""
        items = b",".join([event.item(locale, self.behaviour) for event, locale in self.items])
        return b'{"items":[%b],%b' % (items, encode(self.envelope)[1:])


def encode_response(answer: Page | Any) -> bytes:
    """Write a response, a page or any JSON."""
    return answer.encode() if isinstance(answer, Page) else encode(answer)
