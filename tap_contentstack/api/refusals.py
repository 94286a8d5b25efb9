"""What a response other than 200 means: which setting to check, if the API itself says so.

Only the API's own JSON (`error_code` and `error_message`, recorded) is believed. Proxies, login pages and gateways
answer with the same statuses, so a status alone blames no setting, and ends no stream but the one that asked.
"""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from tap_contentstack.api.responses import decode_json
from tap_contentstack.errors import AccessError, ApiError, NotFoundError, RefusedError, TokenRefusedError
from tap_contentstack.values.texts import one_line, shown

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_contentstack.api.responses import Response
    from tap_contentstack.config.settings import Settings

# Error codes: recorded bodies (118, 141), third-party probes (105, 109), Contentstack docs: error codes (901).
UNKNOWN_API_KEY = 109
UNKNOWN_TOKEN = 105
UNKNOWN_BRANCH = 901
UNKNOWN_CONTENT_TYPE = 118
BLAMED_WITH_IT = frozenset({"api_key", "access_token", "branch", "environment"})
"""Error 118 is also documented for a wrong branch or environment."""
INVALID_VALUE = 141
TOKEN_PARAMETERS = ("sync_token", "pagination_token")


class Refusals:
    """Puts refusals into sentences."""

    def __init__(self, settings: Settings, host: str | None) -> None:
        """Take what the sentences name.

        Args:
            settings: The settings that may be wrong.
            host: The API's host.
        """
        self._settings = settings
        self._host = host

    def error(self, response: Response, params: Mapping[str, str]) -> ApiError:
        """Return the error that a refusal stands for.

        Args:
            response: A response other than 200 that no further attempt would change.
            params: The parameters that were asked with.
        """
        status = response.status
        from_proxy = status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        refusal = None if from_proxy else api_error(response.body)
        if refusal is None:
            return ApiError(self.not_from_the_api(response))
        code, fields = refusal["error_code"], refusal.get("errors")
        named = {str(name) for name in fields} if isinstance(fields, dict) else set()
        said = f"HTTP {status}, error code {code}: {one_line(refusal['error_message'])}{request_id(response)}"
        if code == UNKNOWN_CONTENT_TYPE and not named & BLAMED_WITH_IT:
            return NotFoundError(f"the content type does not exist ({said})")
        if (
            code == INVALID_VALUE
            and any(name in params for name in TOKEN_PARAMETERS)
            and not named - {*TOKEN_PARAMETERS}
        ):
            return TokenRefusedError(f"the API refuses the token ({said})")
        if sentence := self._access_problem(code, named):
            return AccessError(f"{sentence} ({said})")
        about = f" about {one_line(', '.join(sorted(named)))}" if named else ""
        kind = RefusedError if status < HTTPStatus.INTERNAL_SERVER_ERROR else ApiError
        hint = f": check base_url ({self._settings.shown_url})" if status == HTTPStatus.NOT_FOUND else ""
        return kind(f"the API refused a request{about} ({said}){hint}")

    def _access_problem(self, code: object, named: set[str]) -> str | None:
        """Return what is wrong with the settings, if the API says that something is."""
        settings = self._settings
        if code == UNKNOWN_API_KEY or "api_key" in named:
            return (
                f"the stack API key is unknown at {self._host}: check api_key, and region ('{settings.region}'), "
                "as a stack answers only in its own region"
            )
        if code == UNKNOWN_BRANCH or "branch" in named:
            branch = shown(settings.branch or "main")
            return f"the branch '{branch}' is unknown to this stack, or not accessible with this token: check branch"
        if "environment" in named:
            environment = shown(settings.environment)
            return f"the environment '{environment}' is unknown to this stack: check environment"
        if code == UNKNOWN_TOKEN or "access_token" in named:
            return (
                "the delivery token is refused: check access_token, which must be a delivery token of this stack for "
                f"the environment '{shown(settings.environment)}'"
            )
        return None

    def not_from_the_api(self, response: Response) -> str:
        """Return a sentence about a response that is not the API's."""
        if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return "the proxy rejects the credentials: check those in HTTP_PROXY or HTTPS_PROXY"
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            return (
                f"{self._host} answers with a redirect (HTTP {response.status}), which is not followed: "
                "set base_url to the API's own host"
            )
        return (
            f"{self._settings.shown_url} answered HTTP {response.status} with something other than the API's JSON "
            f"({one_line(response.media_type)}){request_id(response)}: check base_url, and whether a proxy responded "
            "instead"
        )


def api_error(body: bytes) -> dict[str, t.Any] | None:
    """Return the API's own error, if a body is one: `{"error_message": text, "error_code": number, "errors": {…}}`."""
    try:
        error = decode_json(body)
    except ValueError:
        return None
    return error if isinstance(error.get("error_message"), str) and type(error.get("error_code")) is int else None


def request_id(response: Response) -> str:
    """Return the API's id of a request, as a part of a sentence: its support can follow that up."""
    found = response.headers.get("x-request-id")
    return f", request {one_line(found)}" if found else ""
