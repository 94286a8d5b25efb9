"""The tap's errors: a class for each way that callers handle them.

SingerSDKError
├── TapError                  the run, or one of its streams, cannot continue; the text is for the user
│   ├── SettingsError         the configuration is wrong
│   ├── InputError            a config, state or catalog file cannot be read
│   ├── MapError              an expression of a stream map fails on a record
│   ├── ScopeChangedError     the state belongs to another scope, and on_scope_change is `fail`
│   ├── TimeIsUpError         `max_run_seconds` has elapsed; the next run resumes the stream
│   └── ApiError              the API refused a request for good
│       ├── AccessError       … for all streams: credentials, environment, branch
│       │   └── SeemsEmptyError … or it lists nothing where there were rows
│       ├── RefusedError      … for another reason; a retry would be refused, too
│       ├── TokenRefusedError … because of its sync or pagination token
│       └── NotFoundError     … because the content type is gone
└── RetriableAPIError (SDK)
    ├── TransientError        worth another attempt, perhaps after a wait that the API named
    └── ThrottledError        not a failure: there were too many requests
"""

from __future__ import annotations

from singer_sdk.exceptions import RetriableAPIError, SingerSDKError


class TapError(SingerSDKError):
    """The run, or one of its streams, cannot continue; the text says what is wrong and what to do."""


class SettingsError(TapError):
    """The configuration is wrong."""


class InputError(TapError):
    """A config, state or catalog file cannot be read, or has the wrong content."""


class MapError(TapError):
    """An expression of a stream map fails on a record."""


class ScopeChangedError(TapError):
    """A stream's state belongs to another scope, and `on_scope_change` is `fail`."""


class TimeIsUpError(TapError):
    """`max_run_seconds` has elapsed."""


class ApiError(TapError):
    """The API refused a request for good."""


class AccessError(ApiError):
    """The API refuses every request made with these settings."""


class SeemsEmptyError(AccessError):
    """Everything that the state knows seems to be gone: probably a mistake, unless `allow_empty` confirms it."""


class RefusedError(ApiError):
    """The API refused a request for a reason that no other class covers."""


class TokenRefusedError(ApiError):
    """The API no longer accepts a sync or pagination token (error code 141)."""


class NotFoundError(ApiError):
    """The content type does not exist (error code 118)."""


class TransientError(RetriableAPIError):
    """A request that failed and is worth another attempt.

    Attributes:
        retry_after: Seconds to wait, if the API named them.
        refusal: The error to raise if every attempt fails like this one; None if it is an ordinary failure.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, refusal: ApiError | None = None) -> None:
        """Keep what the next attempt needs."""
        super().__init__(message)
        self.retry_after = retry_after
        self.refusal = refusal


class ThrottledError(RetriableAPIError):
    """The API answered that there were too many requests.

    Attributes:
        retry_after: Seconds to wait, if the API named them.
    """

    def __init__(self, message: str, retry_after: float | None) -> None:
        """Keep the wait that the API named."""
        super().__init__(message)
        self.retry_after = retry_after
