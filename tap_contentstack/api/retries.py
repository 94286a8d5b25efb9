"""Decides whether to retry a request, and how long to wait before that."""

from __future__ import annotations

import datetime as dt
import email.utils
import random
import time
import typing as t
from http import HTTPStatus

if t.TYPE_CHECKING:
    from collections.abc import Generator

    from tap_contentstack.api.responses import Response
    from tap_contentstack.errors import TransientError

FIRST_WAIT = 0.5
"""Seconds: the mean wait before the second attempt is half of this (full jitter), and doubles with each further one."""
LONGEST_WAIT = 60.0
LONGEST_RETRY_AFTER = 900.0
"""Seconds that a response can make requests wait; where the API names more, the next attempt comes earlier."""
LONGEST_PAUSE = 60.0
"""Seconds that a good response can hold the next request back: the limit is per second, so more is a mistake."""
EPOCH_THRESHOLD = 1_000_000_000
"""A rate-limit reset above this is a moment, below it a number of seconds."""
MILLISECONDS_THRESHOLD = 1000 * EPOCH_THRESHOLD
"""A moment above this is in milliseconds."""

TEMPORARY_REFUSALS = (HTTPStatus.NOT_MODIFIED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)
PERMANENT_PROBLEMS = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)


def is_temporary(status: int) -> bool:
    """Return whether a retry may turn a status other than 200 into a good response."""
    has_nothing = status < HTTPStatus.MULTIPLE_CHOICES
    has_problem = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in PERMANENT_PROBLEMS
    return has_nothing or has_problem or status in TEMPORARY_REFUSALS


def backoff_waits() -> Generator[float, TransientError, None]:
    """Yield the seconds to wait: a random part of a limit that doubles (full jitter), but as long as the API asked.

    Never less than the API asked: an early retry only uses up attempts.
    """
    error = yield 0.0
    for longest in wait_limits():
        jitter = random.uniform(0, longest)  # noqa: S311 - no cryptography
        error = yield jitter if error.retry_after is None else max(jitter, error.retry_after + min(jitter, 1.0))


def wait_limits() -> Generator[float, None, None]:
    """Yield the longest wait before each further attempt, in seconds."""
    longest = FIRST_WAIT
    while True:
        yield longest
        longest = min(longest * 2, LONGEST_WAIT)


def retry_after(response: Response) -> float | None:
    """Return the seconds that `Retry-After` asks for (a number, or a date), or a used-up limit's reset."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return limit_reset(response) if response.headers.get("x-ratelimit-remaining") == "0" else None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):  # a year, say, that no clock has
            return None
    return _bounded(seconds)


def pause(response: Response) -> float | None:
    """Return the seconds to wait after a good response whose limit is used up: the next request would be refused."""
    is_used_up = response.headers.get("x-ratelimit-remaining") == "0"
    return min(limit_reset(response), LONGEST_PAUSE) if is_used_up else None


def limit_reset(response: Response) -> float:
    """Return the seconds until the rate limit is fresh; one where the API does not tell (the limit is per second).

    The vendor's own SDK reads `x-ratelimit-reset` (seconds, or a moment) and `x-ratelimit-reset-time` (ISO 8601); other
    services give moments in milliseconds.
    """
    try:
        reset = float(response.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        moment = _moment(response.headers.get("x-ratelimit-reset-time", ""))
        return 1.0 if moment is None else _bounded(moment - time.time())
    if reset > MILLISECONDS_THRESHOLD:
        reset /= 1000
    return _bounded(reset - time.time() if reset > EPOCH_THRESHOLD else reset)


def _moment(text: str) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)  # in this order, so that a NaN becomes 0
