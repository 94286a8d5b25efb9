"""Looks up one content type by its uid, and reads the branch from content types."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from tap_contentstack.api.lists import WITH_SCHEMAS
from tap_contentstack.api.responses import decode_json, has_uid
from tap_contentstack.errors import NotFoundError

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_contentstack.api.client import Client

ContentType: t.TypeAlias = dict[str, t.Any]


def find_content_type(client: Client, uid: str) -> ContentType | None:
    """Return a content type, or None if the API does not know it; without access it knows none (`Stack.is_gone`)."""
    path = f"/v3/content_types/{quote(uid, safe='')}"
    try:
        found: ContentType = client.get(path, WITH_SCHEMAS, _decode_one)["content_type"]
    except NotFoundError:
        return None
    return found


def branch_of(content_types: Iterable[ContentType]) -> str | None:
    """Return the branch that the API says the content types are of: an alias is resolved there."""
    for content_type in content_types:
        branch = content_type.get("_branch")
        if isinstance(branch, str):
            return branch
        if isinstance(branch, dict) and isinstance(branch.get("uid"), str):
            return str(branch["uid"])
    return None


def _decode_one(body: bytes) -> dict[str, t.Any]:
    response = decode_json(body)
    if not has_uid(response.get("content_type")):
        msg = "no content type"
        raise ValueError(msg)
    return response
