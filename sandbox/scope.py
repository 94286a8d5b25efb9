"""The scope of a feed: what an `init` asks for, and what its tokens stay bound to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox import clock
from sandbox.event import EVENT_TYPES
from sandbox.refusal import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.behaviour import Behaviour
    from sandbox.event import Event
    from sandbox.stack import Stack


@dataclass(frozen=True, slots=True)
class Scope:
    """The filters of an `init`, which stay bound to its tokens."""

    types: frozenset[str] | None = None
    content_type_uid: str | None = None
    locale: str | None = None
    start_from: int = 0
    empty: bool = False

    @classmethod
    def of(cls, params: Mapping[str, str], stack: Stack, behaviour: Behaviour) -> Scope:
        """Read the filters of a request.

        Raises:
            Refusal: One of them is not valid.
        """
        types = None
        if "type" in params:
            types = frozenset(name.strip() for name in params["type"].split(","))
            if not types <= EVENT_TYPES:
                raise invalid("type")
        locale = params.get("locale")
        if locale and behaviour.unknown_locale == "refused" and not stack.has_locale(locale):
            raise invalid("locale")
        start_from = 0
        if "start_from" in params:
            try:
                start_from = clock.parse(params["start_from"])
            except (ValueError, OverflowError):
                raise invalid("start_from") from None
        return cls(
            types=types,
            content_type_uid=params.get("content_type_uid"),
            locale=locale,
            start_from=start_from,
            empty=params.get("environment", stack.environment) != stack.environment,
        )

    def covers(self, event: Event) -> bool:
        """Whether the feed is about this event, whatever its type."""
        return (
            not self.empty
            and event.at >= self.start_from
            and self.content_type_uid in {None, event.content_type_uid}
            and (not event.locales or self.locale is None or self.locale in event.locales)
        )
