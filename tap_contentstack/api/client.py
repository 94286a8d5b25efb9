"""Requests to the delivery API: pace, retries, and refusals as sentences."""

from __future__ import annotations

import email.utils
import random
import threading
import time
import typing as t
from collections import Counter
from http import HTTPStatus
from urllib.parse import urlencode

import backoff
import msgspec

from tap_contentstack.api.connection import Connection, host_of
from tap_contentstack.errors import (
    AccessError,
    ApiError,
    NotFoundError,
    TokenRefusedError,
    TransientError,
)

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Mapping

    from backoff.types import Details

    from tap_contentstack.api.connection import Answer
    from tap_contentstack.api.throttle import Throttle
    from tap_contentstack.config.settings import Settings

T = t.TypeVar("T")

FIRST_WAIT = 0.5
"""Seconds: the mean wait before the second attempt is half of this (full jitter), and doubles with each further one."""
LONGEST_WAIT = 60.0
LONGEST_RETRY_AFTER = 900.0
"""Seconds: an API that asks for more is taken to be down."""
EPOCH_THRESHOLD = 1_000_000_000
"""A rate-limit reset above this is a moment, below it a number of seconds."""

# Error codes: Contentstack's delivery API, recorded bodies (118, 141) and third-party probes of it (105, 109).
UNKNOWN_API_KEY = 109
UNKNOWN_TOKEN = 105
UNKNOWN_CONTENT_TYPE = 118
INVALID_VALUE = 141
TOKEN_PARAMETERS = ("sync_token", "pagination_token")
PASSING_REFUSALS = (
    HTTPStatus.NOT_MODIFIED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
LASTING_PROBLEMS = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)


class Client:
    """Gets answers from one stack and environment; safe to share between threads."""

    def __init__(self, settings: Settings, throttle: Throttle, logger: logging.Logger) -> None:
        """Prepare what all requests have in common."""
        self._settings = settings
        self._throttle = throttle
        self._logger = logger
        self._host = host_of(settings)
        self._connection = Connection(settings)
        self._retrying = backoff.on_exception(
            _waits,
            TransientError,
            max_tries=settings.max_retries + 1,
            jitter=None,
            on_backoff=self._announce_wait,
            logger=None,
        )(self._attempt)
        self._count_lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def get(self, path: str, params: Mapping[str, str], accept: Callable[[bytes], T], *, purpose: str = "") -> T:
        """Return what `accept` makes of the body of a good answer.

        Args:
            path: Path below the host, such as `/v3/stacks/sync`.
            params: Query parameters; `environment` is added.
            accept: Decodes a body; a ValueError from it makes the answer count as broken, to be asked for again.
            purpose: The stream that asks, for the log.

        Raises:
            ApiError: Refused for good, or still failing after all attempts.
        """
        try:
            return self._retrying(path, params, accept, purpose)
        except TransientError as error:
            tries = self._settings.max_retries + 1
            msg = self._redacted(f"{error} (gave up after {tries} {'attempts' if tries > 1 else 'attempt'})")
            raise ApiError(msg) from None

    def ask_ahead(self, path: str, params: Mapping[str, str]) -> None:
        """Send a request that this thread will `get` next, so that the answer is on its way while it works.

        Where that would have to wait for its turn, or for a new connection, it is left to `get`.
        """
        if self._connection.is_open and self._throttle.take_turn():
            self._count("requests")
            self._connection.ask_ahead(self._target(path, params))

    def _attempt(self, path: str, params: Mapping[str, str], accept: Callable[[bytes], T], _purpose: str) -> T:
        target = self._target(path, params)
        answer = self._connection.collect(target)
        if answer is None:
            self._throttle.wait_for_turn()
            self._count("requests")
            answer = self._connection.ask(target)
        body = answer.body
        self._count("bytes", len(body))
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer, params)
        self._heed_limit(answer)
        try:
            return accept(body)
        except ValueError as error:
            kind = answer.headers.get("Content-Type", "unknown").split(";")[0]
            msg = (
                f"{self._host} answered with something else than the API's JSON ({kind}: {error}): "
                "check base_url, and for a proxy in between"
            )
            raise TransientError(msg) from None

    def _target(self, path: str, params: Mapping[str, str]) -> str:
        return f"{path}?{urlencode({**params, 'environment': self._settings.environment})}"

    def _count(self, what: str, number: int = 1) -> None:
        with self._count_lock:
            self.counts[what] += number

    def _refusal(self, answer: Answer, params: Mapping[str, str]) -> Exception:
        """Return the error that an answer other than 200 stands for."""
        status = answer.status
        if _may_pass(status):
            return self._transient(answer)
        error = _error_body(answer.body)
        code, fields = error.get("error_code"), error.get("errors")
        named = set(fields) if isinstance(fields, dict) else set()
        said = f"HTTP {status}, error code {code}: {error.get('error_message', 'no reason given')}"
        if code == UNKNOWN_CONTENT_TYPE:
            return NotFoundError(self._redacted(f"the content type does not exist ({said})"))
        if (
            code == INVALID_VALUE
            and any(name in params for name in TOKEN_PARAMETERS)
            and not named - {*TOKEN_PARAMETERS}
        ):
            return TokenRefusedError(self._redacted(f"the API no longer takes the token ({said})"))
        for matches, sentence in self._access_problems(code, status, named):
            if matches:
                return AccessError(self._redacted(f"{sentence} ({said})"))
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return AccessError(
                f"{self._host} answers with a redirect (HTTP {status}): set base_url to the API's own host"
            )
        about = f" about {', '.join(sorted(named))}" if named else ""
        return ApiError(self._redacted(f"the API refused a request{about} ({said})"))

    def _access_problems(self, code: object, status: int, named: set[str]) -> tuple[tuple[bool, str], ...]:
        """Return what may be wrong with the settings, each with whether the answer says so."""
        settings = self._settings
        api_key = (
            f"the stack API key is unknown at {self._host}: check api_key, and region ('{settings.region}'), "
            "as a stack answers only in its own region"
        )
        token = (
            "the delivery token is refused: check access_token, and that it is one of this stack's for the "
            f"environment '{settings.environment}'"
        )
        environment = f"the environment '{settings.environment}' is unknown to this stack: check environment"
        proxy = "the proxy wants other credentials: check those in HTTP_PROXY or HTTPS_PROXY"
        branch = f"the branch '{settings.branch}' is unknown to this stack: check branch"
        return (
            (status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, proxy),
            (code == UNKNOWN_API_KEY or "api_key" in named or status == HTTPStatus.PRECONDITION_FAILED, api_key),
            ("environment" in named, environment),
            ("branch" in named, branch),
            (code == UNKNOWN_TOKEN or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}, token),
        )

    def _transient(self, answer: Answer) -> TransientError:
        status = answer.status
        throttled = status == HTTPStatus.TOO_MANY_REQUESTS
        retry_after = _retry_after(answer)
        if throttled:
            self._throttle.slow_down()
        if retry_after:
            self._throttle.pause(retry_after)
        what = "is throttling" if throttled else "has a problem"
        return TransientError(f"{self._host} {what} (HTTP {status})", retry_after=retry_after, throttled=throttled)

    def _heed_limit(self, answer: Answer) -> None:
        """Follow the rate-limit headers of a good answer: nothing left means that the next request would be refused."""
        if answer.headers.get("x-ratelimit-remaining") == "0":
            self._throttle.pause(_limit_reset(answer))
        else:
            self._throttle.recover()

    def _announce_wait(self, details: Details) -> None:
        path, _, _, purpose = details["args"]
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
            text = text.replace(secret, "…")
        return text


def decode_json(body: bytes) -> dict[str, t.Any]:
    """Return a JSON object; a ValueError says in few words what else it is."""
    try:
        result = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        msg = "not JSON"
        raise ValueError(msg) from None
    if not isinstance(result, dict):
        msg = "not a JSON object"
        raise ValueError(msg)  # noqa: TRY004 - the body's fault, not the caller's
    return result


def decode_list(body: bytes, key: str) -> dict[str, t.Any]:
    """Return a JSON object that has a list of objects with a uid under a key; a ValueError says that it is none."""
    answer = decode_json(body)
    elements = answer.get(key)
    if not isinstance(elements, list) or not all(map(has_uid, elements)):
        msg = f"no list of {key}"
        raise ValueError(msg)
    return answer


def has_uid(value: object) -> bool:
    """Tell whether a JSON value is an object with a uid."""
    return isinstance(value, dict) and isinstance(value.get("uid"), str)


def _error_body(body: bytes) -> dict[str, t.Any]:
    try:
        return decode_json(body)
    except ValueError:
        return {}


def _may_pass(status: int) -> bool:
    """Tell whether an answer other than 200 may be a good one the next time."""
    has_nothing = status < HTTPStatus.MULTIPLE_CHOICES
    has_problem = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in LASTING_PROBLEMS
    return has_nothing or has_problem or status in PASSING_REFUSALS


def _waits() -> Generator[float, TransientError, None]:
    """Yield the seconds to wait: as long as the API asked, else a random part of a limit that doubles (full jitter)."""
    longest = FIRST_WAIT
    error = yield 0.0
    while True:
        jitter = random.uniform(0, longest)  # noqa: S311 - no cryptography
        error = yield jitter if error.retry_after is None else error.retry_after + min(jitter, 1.0)
        longest = min(longest * 2, LONGEST_WAIT)


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds that `Retry-After` asks for (a number, or a date), or a used-up limit's reset."""
    value = answer.headers.get("Retry-After", "").strip()
    if not value:
        return _limit_reset(answer) if answer.headers.get("x-ratelimit-remaining") == "0" else None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return _bounded(seconds)


def _limit_reset(answer: Answer) -> float:
    """Return the seconds until the rate limit is fresh; one where the API does not tell (the limit is per second)."""
    try:
        reset = float(answer.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return 1.0
    seconds = reset - time.time() if reset > EPOCH_THRESHOLD else reset
    return _bounded(seconds)


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)  # in this order, so that a NaN becomes 0
