"""What can go wrong between the API and its client, on demand."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["status", "reset", "cut", "truncated", "html", "refused_token", "slow", "drip", "random"]
RANDOM_STATUSES = (429, 500, 502, 503, 504)


@dataclass(slots=True, kw_only=True)
class Fault:
    """A way to spoil answers.

    Attributes:
        kind: `status`: an error with a JSON body. `reset`: the connection is reset before the
            answer. `cut`: it ends in the middle of the body. `truncated`: half of the body, with
            the Content-Length of that half. `html`: a page that is no JSON. `refused_token`: the
            token asked with is refused. `slow`: the answer comes late. `drip`: the body takes its
            time. `random`: each time another of these that a client should survive.
        status: Status of `status` and of `html` (give 200 or 502 there).
        times: How many answers to spoil; None for all.
        after: How many matching requests to leave alone first.
        code: The API's error code of `status`; by default the status itself.
        fields: What the error of `status` blames.
        message: The text of that error.
        body: What `html` answers in place of a page (such as another program's JSON).
        path: What the path and query must begin with, or a regular expression found in it.
        headers: Headers to add.
        retry_after: Seconds to say in Retry-After.
        retry_after_date: Say them as an HTTP date.
        delay: Seconds that the answer comes late, or (`drip`) that its body takes.
        probability: Chance that a matching request is spoiled.
        seed: Seed of that chance.
    """

    kind: Kind = "status"
    status: int = 429
    times: int | None = 1
    after: int = 0
    code: int | None = None
    fields: Sequence[str] = ()
    message: str | None = None
    body: str | None = None
    path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: int | None = None
    retry_after_date: bool = False
    delay: float = 0.0
    probability: float = 1.0
    seed: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the kind, which may come over HTTP, and seed the chance."""
        if self.kind not in get_args(Kind):
            message = f"kind must be one of {', '.join(get_args(Kind))}"
            raise ValueError(message)
        self._random = random.Random(self.seed)

    def strikes(self, target: str, params: Mapping[str, str]) -> bool:
        """Whether this request is spoiled; counts it."""
        if self.kind == "refused_token" and not params.keys() & {"sync_token", "pagination_token"}:
            return False
        if self.path is not None and not (target.startswith(self.path) or re.search(self.path, target)):
            return False
        if self.times == 0 or self._random.random() >= self.probability:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def drawn(self) -> Fault:
        """Return the fault to apply: itself, or what the chance of a random one picks."""
        if self.kind != "random":
            return self
        kinds: list[Kind] = ["status", "status", "reset", "cut", "truncated", "html"]
        status = self._random.choice(RANDOM_STATUSES)
        kind = self._random.choice(kinds)
        return Fault(kind=kind, status=status, headers=self.headers, retry_after=self.retry_after)

    def all_headers(self) -> dict[str, str]:
        """Return its headers, Retry-After among them."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            date = formatdate(time() + self.retry_after, usegmt=True)
            headers["Retry-After"] = date if self.retry_after_date else str(self.retry_after)
        return headers


class Faults:
    """The faults that are set, the first that strikes wins."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[Fault]:
        """Return the faults that have not struck their last time."""
        with self._lock:
            return [fault for fault in self._faults if fault.times != 0]

    def strike(self, target: str, params: Mapping[str, str]) -> Fault | None:
        """Return the fault that spoils this request, if one does."""
        with self._lock:
            for fault in self._faults:
                if fault.strikes(target, params):
                    return fault.drawn()
        return None
