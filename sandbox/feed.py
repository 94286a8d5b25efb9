"""The sync feed of a stack: it begins passes over the log, and issues the tokens that lead through them."""

from __future__ import annotations

import random
import secrets
from itertools import count
from typing import TYPE_CHECKING, Literal

from sandbox.event import EVENT_TYPES, PUBLISHED, SYS_ASSETS
from sandbox.items import compact, items_of
from sandbox.page import Page
from sandbox.passes import Pass
from sandbox.refusal import INVALID_PARAMETER, Refusal, invalid, unknown_content_type
from sandbox.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.behaviour import Behaviour
    from sandbox.event import Event
    from sandbox.stack import Stack

TokenKind = Literal["sync", "pagination"]
MAX_LIMIT = 100
CIRCLES = {"circle": 2, "long_circle": 3}
"""How many page tokens go round in a circle."""


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
