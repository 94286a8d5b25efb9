"""What can go wrong, each kind with the one thing that a caller does about it.

SingerSDKError
├── TapError                  the run, or one stream of it, cannot go on; the text is for the user
│   ├── SettingsError         the configuration is wrong
│   ├── InputError            a config, state or catalog file cannot be read
│   ├── MapError              an expression of a stream map fails on a record
│   ├── ScopeChangedError     the state was made for another scope, and the user wants to be asked
│   ├── TimeIsUpError         `max_run_seconds` is over: the stream stays where it is, for the next run
│   └── ApiError              the API refused a request for good
│       ├── AccessError       … for every stream alike: credentials, environment, branch
│       │   └── SeemsEmptyError … or what it lists looks as if all were gone
│       ├── RefusedError      … in its own words, which will be the same the next time
│       ├── TokenRefusedError … because of its sync or pagination token
│       └── NotFoundError     … because the content type is gone
└── RetriableAPIError (SDK)
    ├── TransientError        worth another attempt, perhaps after a wait that the API named
    └── ThrottledError        no failure: there were too many requests
"""

from __future__ import annotations

from singer_sdk.exceptions import RetriableAPIError, SingerSDKError


class TapError(SingerSDKError):
    """The run, or one stream of it, cannot go on; the text says what is wrong and what to do."""


class SettingsError(TapError):
    """The configuration is wrong."""


class InputError(TapError):
    """A file that was handed in is not what it should be."""


class MapError(TapError):
    """An expression of a stream map fails on a record."""


class ScopeChangedError(TapError):
    """A stream's state was made for another scope, and `on_scope_change` is `fail`."""


class TimeIsUpError(TapError):
    """`max_run_seconds` is over."""


class ApiError(TapError):
    """The API refused a request for good."""


class AccessError(ApiError):
    """The API refuses every request made with these settings."""


class SeemsEmptyError(AccessError):
    """All that the state knew seems to be gone, which is more likely a mistake; `allow_empty` confirms it."""


class RefusedError(ApiError):
    """The API refused a request in its own words, for a reason that is none of the others."""


class TokenRefusedError(ApiError):
    """The API no longer takes a sync or pagination token (error code 141)."""


class NotFoundError(ApiError):
    """The content type does not exist (error code 118)."""


class TransientError(RetriableAPIError):
    """A request that failed and is worth another attempt.

    Attributes:
        retry_after: Seconds that the API asked to wait, if it did.
        refusal: What it comes to where all attempts fail alike, if that is more than a failure.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, refusal: ApiError | None = None) -> None:
        """Keep what is to be known about the next attempt."""
        super().__init__(message)
        self.retry_after = retry_after
        self.refusal = refusal


class ThrottledError(RetriableAPIError):
    """The API answered that there were too many requests.

    Attributes:
        retry_after: Seconds that it asked to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None) -> None:
        """Keep what the API asked for."""
        super().__init__(message)
        self.retry_after = retry_after
