"""Faults: what can go wrong between the API and its client, on demand."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import unquote_plus

from sandbox import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Kind = Literal["status", "reset", "cut", "truncated", "html", "refused_token", "slow", "drip", "random"]
Told = Literal["retry_after", "retry_after_zero", "retry_after_date", "remaining", "reset", "reset_time"]
RANDOM_STATUSES = (429, 500, 502, 503, 504)
NONE_LEFT = {"x-ratelimit-remaining": "0"}
LIMIT_HEADERS: dict[Told, Callable[[float, int], dict[str, str]]] = {
    "retry_after": lambda _, wait: {"Retry-After": str(wait)},
    "retry_after_zero": lambda *_: {"Retry-After": "0"},
    "retry_after_date": lambda now, wait: {"Retry-After": formatdate(now + wait, usegmt=True)},
    "remaining": lambda *_: NONE_LEFT,
    "reset": lambda now, wait: NONE_LEFT | {"x-ratelimit-reset": str(int(now) + wait)},
    "reset_time": lambda now, wait: NONE_LEFT | {"x-ratelimit-reset-time": clock.iso(int((now + wait) * 1000))},
}
"""What the headers of a throttled response can look like, by the time now and the seconds to wait."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """A way to spoil responses.

    Attributes:
        kind: `status`: an error with a JSON body. `reset`: the connection is reset before the response. `cut`: it ends
            in the middle of the body. `truncated`: half of the body, with the Content-Length of that half. `html`: a
            page in place of JSON. `refused_token`: the token of the request is refused. `slow`: the response is late.
            `drip`: the body trickles in. `random`: each time another of these that a client should survive.
        status: Status of `status` and of `html` (where 429 is no useful default).
        times: How many responses to spoil; None for all.
        seconds: How long it goes on after it struck first; None for ever.
        after: How many matching requests to leave alone first.
        code: The API's error code of `status`; by default the status itself.
        fields: Parameters that the error of `status` blames; None leaves `errors` out of the body.
        message: The text of that error.
        body: The body of `html`, in place of a page (another program's JSON, say).
        path: What the path and query begin with, or a regular expression to be found in them, as sent or decoded:
            `[$]in` matches the lookups that ask for several uids.
        headers: Headers to add.
        limit_told: How the headers tell of the rate limit: a `Retry-After` of one second, of zero, or as a date; no
            request left, also with the time of the reset as Unix seconds or as ISO text. None: not at all.
        retry_after: Seconds to tell, by default in `Retry-After`.
        delay: Seconds that the response is late, or (`drip`) that its body takes.
        probability: Chance that a matching request is spoiled.
        seed: Seed of that chance.
    """

    kind: Kind = "status"
    status: int = 429
    times: int | None = 1
    seconds: float | None = None
    after: int = 0
    code: int | None = None
    fields: Sequence[str] | None = ()
    message: str | None = None
    body: str | None = None
    path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limit_told: Told | None = None
    retry_after: int | None = None
    delay: float = 0.0
    probability: float = 1.0
    seed: int = 0
    _random: random.Random = field(init=False, repr=False)
    _began: float | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        """Check the choices, which may come over HTTP, and seed the chance."""
        for name, value, choices in (
            ("kind", self.kind, get_args(Kind)),
            ("limit_told", self.limit_told, (None, *LIMIT_HEADERS)),
        ):
            if value not in choices:
                message = f"{name} must be one of {', '.join(map(str, choices))}"
                raise ValueError(message)
        self._random = random.Random(self.seed)

    def strikes(self, target: str, params: Mapping[str, str], now: float) -> bool:
        """Whether this request is spoiled; counts it."""
        if not self._matches(target, params) or self.is_over(now) or self._random.random() >= self.probability:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        if self._began is None:
            self._began = now
        return True

    def is_over(self, now: float) -> bool:
        """Whether it will not strike any more."""
        return self.times == 0 or (
            self.seconds is not None and self._began is not None and now >= self._began + self.seconds
        )

    def _matches(self, target: str, params: Mapping[str, str]) -> bool:
        if self.kind == "refused_token" and not params.keys() & {"sync_token", "pagination_token"}:
            return False
        if self.path is None or target.startswith(self.path):
            return True
        return any(re.search(self.path, text) for text in (target, unquote_plus(target)))

    def drawn(self) -> Fault:
        """Return the fault to apply: itself, or what the chance of a random one picks."""
        if self.kind != "random":
            return self
        kinds: list[Kind] = ["status", "status", "reset", "cut", "truncated", "html"]
        status = self._random.choice(RANDOM_STATUSES)
        kind = self._random.choice(kinds)
        return Fault(
            kind=kind, status=status, headers=self.headers, limit_told=self.limit_told, retry_after=self.retry_after
        )

    def all_headers(self, now: float) -> dict[str, str]:
        """Return its headers, with those that tell of the limit."""
        told = self.limit_told or ("retry_after" if self.retry_after is not None else None)
        wait = 1 if self.retry_after is None else self.retry_after
        return {**self.headers, **(LIMIT_HEADERS[told](now, wait) if told else {})}


class Faults:
    """The faults that are set; the first that matches strikes."""

    def __init__(self, now: Callable[[], float] = time) -> None:
        """Start without any; `now` is the time in seconds."""
        self._now = now
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[Fault]:
        """Return the faults that may still strike."""
        with self._lock:
            return [fault for fault in self._faults if not fault.is_over(self._now())]

    def strike(self, target: str, params: Mapping[str, str]) -> Fault | None:
        """Return the fault that spoils this request, if one does."""
        with self._lock:
            now = self._now()
            for fault in self._faults:
                if fault.strikes(target, params, now):
                    return fault.drawn()
        return None
