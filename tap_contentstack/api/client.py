"""Sends requests to the delivery API: paced, retried, and with refusals turned into readable errors."""

from __future__ import annotations

import threading
import typing as t
from collections import Counter
from http import HTTPStatus
from urllib.parse import urlencode

import backoff

from tap_contentstack.api import retries
from tap_contentstack.api.connection import Connections
from tap_contentstack.api.pool import host_of
from tap_contentstack.api.refusals import Refusals, request_id
from tap_contentstack.api.time_limit import TimeLimit
from tap_contentstack.errors import ApiError, ThrottledError, TransientError
from tap_contentstack.values.texts import one_line

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from backoff.types import Details

    from tap_contentstack.api.responses import Response
    from tap_contentstack.api.throttle import Throttle
    from tap_contentstack.config.settings import Settings

T = t.TypeVar("T")

NOTABLE_PAUSE = 3.0
"""Seconds: a shorter pause after a good response is the limit's normal working."""
SHORTEST_MASKED = 8
"""Characters: a credential that is shorter is none of Contentstack's, and masking it would garble every text."""


class Client:
    """Sends requests for one stack and environment; safe to share between threads."""

    def __init__(
        self, settings: Settings, throttle: Throttle, logger: logging.Logger, time_limit: TimeLimit | None = None
    ) -> None:
        """Prepare what all requests have in common.

        Args:
            settings: Host, credentials, environment, retries.
            throttle: Sets the pace.
            logger: Where waits are reported.
            time_limit: The time that the run may take.
        """
        self._settings = settings
        self.throttle = throttle
        self.time_limit = time_limit or TimeLimit()
        self._logger = logger
        self._host = host_of(settings)
        self._connections = Connections(settings)
        self._refusals = Refusals(settings, self._host)
        self._retrying = backoff.on_exception(
            retries.backoff_waits,
            TransientError,
            max_tries=settings.max_retries + 1,
            jitter=None,
            on_backoff=self._announce_retry,
            logger=None,
        )(self._attempt)
        self._count_lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def get(self, path: str, params: Mapping[str, str], accept: Callable[[bytes], T], *, purpose: str = "") -> T:
        """Return what `accept` makes of the body of a good response.

        Throttling is no failure of the request: it is waited out, for as long as some request succeeds now and
        then.

        Args:
            path: Path below the host, such as `/v3/stacks/sync`.
            params: Query parameters; `environment` is added.
            accept: Decodes a body; a ValueError from it makes the response count as broken, to be asked for again.
            purpose: The stream that asks, for the log.

        Raises:
            ApiError: Refused for good, or still failing after all attempts.
            TimeIsUpError: The run's time has elapsed.
        """
        for longest in retries.wait_limits():
            try:
                return self._retrying(path, params, accept, purpose)
            except ThrottledError as error:
                self._count("retries")
                wait = self.throttle.next_wait(error, longest)
                self._logger.warning("%s: %s; waiting %.1f seconds", purpose or path, error, wait)
                self.throttle.wait(wait)
            except TransientError as error:
                if error.refusal is not None:
                    raise error.refusal from None
                tries = self._settings.max_retries + 1
                msg = self._redacted(f"{error} (gave up after {tries} {'attempts' if tries > 1 else 'attempt'})")
                raise ApiError(msg) from None
        raise AssertionError  # the limits do not end

    def prefetch(self, path: str, params: Mapping[str, str]) -> None:
        """Send a request that this thread will `get` next, so that the response is on its way while it works.

        Where that would have to wait for its turn, or for a new connection, it is left to `get`.
        """
        connection = self._connections.own
        if connection.is_open and not self.time_limit.is_over and self.throttle.take_turn():
            self._count("requests")
            connection.prefetch(self._target(path, params))

    def _attempt(self, path: str, params: Mapping[str, str], accept: Callable[[bytes], T], _purpose: str) -> T:
        target = self._target(path, params)
        connection = self._connections.own
        response = connection.collect(target)
        if response is None:
            self.time_limit.check()
            self.throttle.wait_for_turn()
            self._count("requests")
            response = connection.ask(target)
        self._count("bytes", len(response.body))
        if response.status != HTTPStatus.OK:
            raise self._failure(response, params)
        self._follow_headers(response, target)
        try:
            return accept(response.body)
        except ValueError as error:
            msg = (
                f"{self._settings.shown_url} answered with something other than the API's JSON "
                f"({one_line(response.media_type)}: {one_line(error)}){request_id(response)}: "
                "check base_url, and whether a proxy responded instead"
            )
            raise TransientError(msg) from None

    def _target(self, path: str, params: Mapping[str, str]) -> str:
        return f"{path}?{urlencode({**params, 'environment': self._settings.environment})}"

    def _count(self, what: str, number: int = 1) -> None:
        with self._count_lock:
            self.counts[what] += number

    def _failure(self, response: Response, params: Mapping[str, str]) -> Exception:
        """Return the error that a response other than 200 stands for."""
        status = response.status
        wait = retries.retry_after(response)
        if wait and (status == HTTPStatus.TOO_MANY_REQUESTS or retries.is_temporary(status)):
            self.throttle.pause(wait)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.throttle.slow_down()
            return ThrottledError(f"{self._host} is throttling (HTTP 429)", wait)
        if retries.is_temporary(status):
            msg = f"{self._host} failed temporarily (HTTP {status}{request_id(response)})"
            return TransientError(msg, retry_after=wait)
        error = self._refusals.error(response, params)
        error = type(error)(self._redacted(str(error)))
        if status == HTTPStatus.UNAUTHORIZED and self.throttle.has_succeeded:
            # A token that was good a moment ago is refused now and then; the vendor's own SDK retries that, too.
            return TransientError(f"{self._host} refused a request (HTTP 401)", refusal=error)
        return error

    def _follow_headers(self, response: Response, target: str) -> None:
        """Follow what a good response's headers say of the rate limit and of caches."""
        pause = retries.pause(response)
        if pause is None:
            self.throttle.recover()
        else:
            self.throttle.pause(pause)
            if pause >= NOTABLE_PAUSE:
                self._logger.warning("%s says that its limit is used up; waiting %.1f seconds", self._host, pause)
        self.throttle.note_success()
        age, cache = response.headers.get("Age", "0"), response.headers.get("x-cache", "")
        if age.strip() not in {"", "0"} or "hit" in cache.lower():
            self._count("cached_answers")
            self._logger.debug("%s came from a cache (Age %s, x-cache %s)", target, one_line(age), one_line(cache))

    def _announce_retry(self, details: Details) -> None:
        path, _, _, purpose = details["args"]
        self.time_limit.check_wait(details["wait"])
        self._count("retries")
        self._logger.warning(
            "%s: %s; waiting %.1f seconds before attempt %d of %d",
            purpose or path,
            self._redacted(str(details["exception"])),
            details["wait"],
            details["tries"] + 1,
            self._settings.max_retries + 1,
        )

    def _redacted(self, text: str) -> str:
        for secret in (self._settings.api_key, self._settings.access_token):
            if len(secret) >= SHORTEST_MASKED:
                text = text.replace(secret, "…")
        return text
