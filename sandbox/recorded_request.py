"""A request that the sandbox has received."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request to the delivery API.

    Attributes:
        method: HTTP method.
        path: Path without the query.
        params: Query parameters.
        headers: Headers, names in lower case.
        status: Status of the response, 0 where the connection was reset.
        time: When it was answered, on the monotonic clock.
    """

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    status: int
    time: float
