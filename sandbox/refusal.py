"""Error responses, in the API's own words."""

from __future__ import annotations

INVALID = "is not valid."
INVALID_PARAMETER = 141
UNKNOWN_CONTENT_TYPE = 118


class Refusal(Exception):
    """The request is refused with a status and an error body."""

    def __init__(self, status: int, code: int, message: str, *fields: str, blames: bool = True) -> None:
        """Refuse with `message`; `fields` are the parameters at fault, in `errors` unless it `blames` none."""
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"error_message": message, "error_code": code}
        if blames:
            self.body["errors"] = {field: [INVALID] for field in fields}


def invalid(field: str) -> Refusal:
    """Refuse the value of a parameter."""
    return Refusal(422, INVALID_PARAMETER, f"The {field} parameter is invalid.", field)


def unknown_content_type(uid: str) -> Refusal:
    """Refuse a content type that the stack does not have."""
    message = f"The Content Type '{uid}' was not found. Please try again."
    return Refusal(422, UNKNOWN_CONTENT_TYPE, message, "uid")


def no_such_url() -> Refusal:
    """Refuse a path that the API does not have."""
    return Refusal(404, 404, "The requested URL was not found.")
