"""The sync feed: passes over the log, their pages, and the tokens that lead through them."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from sandbox import clock
from sandbox.event import CONTENT_TYPE_DELETED, EVENT_TYPES, PUBLISHED, SYS_ASSETS, Event, encode
from sandbox.refusal import INVALID_PARAMETER, Refusal, invalid, unknown_content_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.behaviour import Behaviour
    from sandbox.stack import Stack

TokenKind = Literal["sync", "pagination"]
MAX_LIMIT = 100
EMPTY_PAGE_EVERY = 3
CIRCLES = {"circle": 2, "long_circle": 3}
"""How many page tokens go round in a circle."""


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
    """Write an answer, a page or any JSON."""
    return answer.encode() if isinstance(answer, Page) else encode(answer)


class Feed:
    """The feed of one stack."""

    def __init__(self, stack: Stack) -> None:
        """Serve the log of `stack`."""
        self.stack = stack
        self._secret = secrets.token_hex(8)
        self._numbers = count(1)
        self._pages: dict[str, tuple[Pass, int]] = {}
        self._positions: dict[str, tuple[Scope, int]] = {}
        self._recent: dict[object, Pass] = {}
        self._spent: Behaviour | None = None

    def page(self, params: Mapping[str, str], behaviour: Behaviour, page_size: int) -> Page:
        """Answer one request.

        Raises:
            Refusal: A parameter or a token is not valid.
        """
        modes = {"init", "pagination_token", "sync_token"} & params.keys()
        if len(modes) != 1 or params.get("init", "true") != "true":
            message = "One of init, pagination_token and sync_token is needed."
            raise Refusal(422, INVALID_PARAMETER, message, "init")
        limit = min(read_limit(params), page_size)
        if behaviour.access == "lost":
            raise unknown_content_type(params.get("content_type_uid", SYS_ASSETS))
        with self.stack.lock:
            if "pagination_token" in params:
                token = params["pagination_token"]
                if token not in self._pages:
                    raise invalid("pagination_token")
                return self._page(*self._pages[token], key=token)
            if "sync_token" in params:
                return self._delta(params["sync_token"], behaviour, limit)
            return self._initial(Scope.of(params, self.stack, behaviour), behaviour, limit)

    def expire(self, kind: TokenKind | None = None) -> None:
        """Refuse all tokens issued so far, or those of one kind."""
        with self.stack.lock:
            if kind != "sync":
                self._pages.clear()
            if kind != "pagination":
                self._positions.clear()
            self._recent.clear()

    def _initial(self, scope: Scope, behaviour: Behaviour, limit: int) -> Page:
        recent = self._remembered((scope, behaviour, limit))
        if recent is None:
            recent = self._begin(scope, self._listed(scope, behaviour), behaviour, limit)
            recent.initial = True
        return self._page(recent, 0)

    def _listed(self, scope: Scope, behaviour: Behaviour) -> list[Event]:
        """Return the events of an initial pass."""
        types = PUBLISHED if scope.types is None else scope.types
        events = [event for event in self.stack.live_events(scope.content_type_uid) if scope.covers(event)]
        if behaviour.history and types - PUBLISHED:
            old = (e for e in self.stack.log if e.type not in PUBLISHED and scope.covers(e))
            events = sorted([*events, *old], key=lambda event: event.position)
        return [event for event in events if event.type in types]

    def _delta(self, token: str, behaviour: Behaviour, limit: int) -> Page:
        if token not in self._positions:
            raise invalid("sync_token")
        recent = self._remembered((token, behaviour, limit))
        if recent is not None:
            return self._page(recent, 0)
        scope, position = self._positions[token]
        types = EVENT_TYPES if scope.types is None else scope.types
        events = [e for e in self.stack.log[position:] if e.type in types and scope.covers(e)]
        begun = self._begin(scope, compact(events, behaviour), behaviour, limit, token)
        return self._page(begun, 0) if begun.items else self._unchanged(token, behaviour, limit)

    def _unchanged(self, token: str, behaviour: Behaviour, limit: int) -> Page:
        envelope: dict[str, object] = {}
        if behaviour.unchanged_shape == "full":
            envelope = {"skip": 0, "limit": limit, "total_count": 0}
        if behaviour.unchanged_token == "new":
            scope, _ = self._positions[token]
            token = self._issue_position(scope, self.stack.position)
        return Page([], behaviour, envelope | {"sync_token": token})

    def _begin(
        self,
        scope: Scope,
        events: list[Event],
        behaviour: Behaviour,
        limit: int,
        token: str | None = None,
    ) -> Pass:
        items = self._ordered(events, behaviour)
        begun = Pass(scope, items, self.stack.position, self.stack.revision, behaviour, limit, len(items))
        if token is not None and not items:
            return begun
        if behaviour.total_count == "absent":
            begun.total_count = None
        elif behaviour.total_count == "wrong_once" and self._spent is not behaviour:
            self._spent = behaviour
            begun.total_count = len(items) + 1
            return begun
        elif behaviour.total_count == "wrong":
            begun.total_count = len(items) + 1
        self._recent[token or scope, behaviour, limit] = begun
        return begun

    def _ordered(self, events: list[Event], behaviour: Behaviour) -> list[tuple[Event, str]]:
        items = [item for event in events for item in items_of(event, behaviour)]
        if behaviour.order == "newest_first":
            items.reverse()
        elif behaviour.order == "shuffled":
            random.Random(f"{behaviour.seed}/{self.stack.position}").shuffle(items)
        return items

    def _remembered(self, question: object) -> Pass | None:
        """Return the pass that the same question began, if nothing changed since."""
        recent = self._recent.get(question)
        if recent is not None and recent.revision == self.stack.revision:
            return recent
        self._recent.pop(question, None)
        return None

    def _page(self, of: Pass, number: int, key: str | None = None) -> Page:
        if of.initial and of.behaviour.pages == "shifted":
            key = None
            self._shift(of)
        there = number < len(of.pages)
        start, end = of.pages[number] if there else (len(of.items), len(of.items))
        envelope: dict[str, object] = {"skip": start, "limit": of.limit}
        if of.total_count is not None:
            envelope["total_count"] = of.total_count
        name, token = self._onward(of, number)
        return Page(of.items[start:end], of.behaviour, envelope | {name: token}, key)

    def _onward(self, of: Pass, number: int) -> tuple[str, str]:
        """Return what leads on from a page: the next page's token, or the sync token."""
        following = number + 1
        circle = CIRCLES.get(of.behaviour.page_tokens)
        if circle is not None and following > circle:
            following = 1
        is_last = of.behaviour.page_tokens == "onward" and following >= len(of.pages)
        token = of.tokens.get(following)
        # Where pages shift, what was the last page may not be it any more.
        if token is None or is_last != (token in self._positions):
            token = self._issue_position(of.scope, of.end) if is_last else self._issue_page(of, following)
            of.tokens[following] = token
        return "sync_token" if is_last else "pagination_token", token

    def _shift(self, of: Pass) -> None:
        """Cut the pages of an initial pass from what is published now."""
        of.items = self._ordered(self._listed(of.scope, of.behaviour), of.behaviour)
        if of.total_count is not None:
            of.total_count = len(of.items)
        of.cut()

    def _issue_position(self, scope: Scope, position: int) -> str:
        token = f"{self._secret}{next(self._numbers):016x}"
        self._positions[token] = scope, position
        return token

    def _issue_page(self, of: Pass, number: int) -> str:
        token = f"{self._secret}{next(self._numbers):016x}"
        self._pages[token] = of, number
        return token


def read_limit(params: Mapping[str, str]) -> int:
    """Read `limit`.

    Raises:
        Refusal: It is no number from 1 to 100.
    """
    limit = params.get("limit", str(MAX_LIMIT))
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIMIT:
        raise invalid("limit")
    return int(limit)


def items_of(event: Event, behaviour: Behaviour) -> Iterable[tuple[Event, str]]:
    """Yield the items that tell of an event, each with the locale that it names."""
    if event.implied and not behaviour.content_type_deleted_brings_entries:
        return
    if event.type.endswith("_deleted") and event.type != CONTENT_TYPE_DELETED:
        if behaviour.deletes == "nameless":
            yield event, ""
            return
        if behaviour.deletes == "per_locale":
            for locale in event.locales:
                yield event, locale
            return
    yield event, event.locales[0] if event.locales else ""


def compact(events: list[Event], behaviour: Behaviour) -> list[Event]:
    """Leave out the events that later ones make superfluous."""
    if behaviour.compaction == "none":
        return events
    last: dict[tuple[str, str, str], int] = {}
    for event in events:
        for locale in event.locales:
            key = locale if behaviour.compaction == "per_key" else ""
            last[event.content_type_uid, event.uid, key] = event.edit
    if behaviour.compaction == "per_key":
        return [
            e
            for e in events
            if not e.uid or any(last[e.content_type_uid, e.uid, locale] == e.edit for locale in e.locales)
        ]
    return [e for e in events if not e.uid or last[e.content_type_uid, e.uid, ""] == e.edit]
