"""The sandbox: one stack served at one HTTP address."""

from __future__ import annotations

import math
import time
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any

from sandbox.behaviour import Behaviour
from sandbox.cdn import Cdn
from sandbox.delivery import Delivery
from sandbox.faults import Faults
from sandbox.feed import Feed
from sandbox.refusal import Refusal, invalid
from sandbox.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from sandbox.feed import TokenKind
    from sandbox.page import Page
    from sandbox.recorded_request import RecordedRequest
    from sandbox.stack import Json, Stack


class Sandbox:
    """Serves a stack on 127.0.0.1.

    Attributes:
        stack: What is served; edit it at any time.
        behaviour: How it is served; switch it at any time, passes under way keep theirs.
        page_size: Items per page of the feed, at most 100.
        faults: What goes wrong.
        latency: Seconds that each response takes longer.
        rate_limit: Requests per second; those beyond are answered with 429.
        cdn_seconds: How long responses are kept by URL, as a CDN does; None keeps none.
        requests: What was asked so far.
        now: The time in seconds.
    """

    def __init__(
        self,
        stack: Stack,
        behaviour: Behaviour | None = None,
        page_size: int = 100,
        *,
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to serve `stack`, on a free port unless one is given."""
        self.stack = stack
        self.behaviour = behaviour or Behaviour()
        self.page_size = page_size
        self.now = now
        self.faults = Faults(now)
        self.latency = 0.0
        self.rate_limit: float | None = None
        self.cdn_seconds: float | None = None
        self.requests: list[RecordedRequest] = []
        self._feed = Feed(stack)
        self._delivery = Delivery(stack)
        self._cdn = Cdn(stack, now)
        self._recent: deque[float] = deque()
        self._lock = Lock()
        self._port = port
        self._server: Server | None = None

    def start(self) -> Self:
        """Serve in a thread; a second start takes the same port again."""
        self._server = Server(self, self._port)
        self._port = self._server.server_port
        return self

    def stop(self) -> None:
        """Stop serving and close all connections."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings with which the tap reads this stack."""
        return {
            "api_key": self.stack.api_key,
            "access_token": self.stack.access_token,
            "environment": self.stack.environment,
            "base_url": self.url,
        }

    def expire_tokens(self, kind: TokenKind | None = None) -> None:
        """Refuse all tokens issued so far, or those of one kind."""
        if kind not in {None, "sync", "pagination"}:
            message = f"no such kind of token: {kind}"
            raise ValueError(message)
        self._feed.expire(kind)

    def published_entries(self, content_type_uid: str | None = None) -> dict[tuple[str, str, str], Json]:
        """Return the published entries as the feed sends them under the behaviour now."""
        entries = self.stack.published_entries(content_type_uid)
        return {key: self._as_sent(data, key[2]) for key, data in entries.items()}

    def published_assets(self) -> dict[tuple[str, str], Json]:
        """Return the published assets as the feed sends them under the behaviour now."""
        assets = self.stack.published_assets()
        return {key: self._as_sent(data, key[1]) for key, data in assets.items()}

    def _as_sent(self, data: Json, locale: str) -> Json:
        if self.behaviour.publish_details == "present":
            return data
        data.pop("publish_details", None)
        return data | {"locale": locale}

    def throttle(self) -> tuple[bool, dict[str, str]]:
        """Count a request; return whether it may pass, and the headers that tell of the limit."""
        limit = self.rate_limit
        if limit is None:
            return True, {}
        window = max(1.0, 1 / limit)
        allowed = max(1, math.floor(limit * window))
        with self._lock:
            now = self.now()
            while self._recent and self._recent[0] <= now - window:
                self._recent.popleft()
            passes = len(self._recent) < allowed
            if passes:
                self._recent.append(now)
            left = allowed - len(self._recent)
        headers = {"x-ratelimit-limit": str(allowed), "x-ratelimit-remaining": str(left)}
        return passes, headers if passes else headers | {"Retry-After": str(math.ceil(window))}

    def cached_answer(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[Page | Any, dict[str, str]]:
        """Answer one request through the CDN; return the response and the headers that the CDN adds.

        Raises:
            Refusal: The response is an error.
        """
        if self.cdn_seconds is None:
            return self.answer(path, params, headers), {}
        who = tuple(headers.get(name) for name in ("api_key", "access_token", "branch"))
        question = path, tuple(sorted(params.items())), who
        return self._cdn.answer(question, self.cdn_seconds, lambda: self.answer(path, params, headers))

    def answer(self, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Page | Any:
        """Answer one request of the delivery API.

        Raises:
            Refusal: The response is an error.
        """
        branch = self._admitted(params, headers)
        if path == "/v3/stacks/sync":
            return self._feed.page(params, self.behaviour, self.page_size)
        told = branch if self.behaviour.branch_told else None
        return self._delivery.answer(path, params, told, self.behaviour)

    def _admitted(self, params: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """Check who asks and for what; return the branch."""
        if headers.get("api_key") != self.stack.api_key:
            message = "The stack API key is not valid or does not exist."
            raise Refusal(412, 109, message, "api_key")
        if headers.get("access_token") != self.stack.access_token:
            message = "The access token is not valid or is missing."
            raise Refusal(401, 105, message, "access_token")
        if params.get("environment", self.stack.environment) not in self.stack.environments:
            raise invalid("environment")
        branch = headers.get("branch") or self.stack.branch
        if branch not in self.stack.branches:
            raise invalid("branch")
        return self.stack.branches[branch]
