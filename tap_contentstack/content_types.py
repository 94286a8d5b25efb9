"""The stack's content types, as the delivery API lists them."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from tap_contentstack.client import decode_json
from tap_contentstack.errors import NotFoundError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_contentstack.client import Client

ContentType: t.TypeAlias = dict[str, t.Any]

PATH = "/v3/content_types"
PAGE_SIZE = 100
"""Content types on a page, at most (Contentstack docs: get all content types)."""
FLAGS = {"include_global_field_schema": "true", "include_branch": "true"}


def list_content_types(client: Client) -> list[ContentType]:
    """Return all content types of the stack, each once, with the schemas of their global fields inline."""
    found: dict[str, ContentType] = {}
    skip = 0
    while True:
        params = {**FLAGS, "include_count": "true", "skip": str(skip), "limit": str(PAGE_SIZE)}
        answer = client.get(PATH, params, _decode_list)
        page = answer["content_types"]
        found.update(
            (each["uid"], each) for each in page if isinstance(each, dict) and isinstance(each.get("uid"), str)
        )
        skip += len(page)
        count = answer.get("count")
        if not page or (skip >= count if isinstance(count, int) else len(page) < PAGE_SIZE):
            return list(found.values())


def find_content_type(client: Client, uid: str) -> ContentType | None:
    """Return a content type, or None if it is gone: only this answer says so, never that a list did not have it."""
    try:
        answer = client.get(f"{PATH}/{quote(uid, safe='')}", FLAGS, decode_json)
    except NotFoundError:
        return None
    found = answer.get("content_type")
    return found if isinstance(found, dict) else {"uid": uid}


def branch_of(content_types: Iterable[ContentType]) -> str | None:
    """Return the branch that the API says the content types are of: an alias is resolved there."""
    for content_type in content_types:
        branch = content_type.get("_branch")
        if isinstance(branch, str):
            return branch
        if isinstance(branch, dict) and isinstance(branch.get("uid"), str):
            return str(branch["uid"])
    return None


def global_fields_of(content_types: Iterable[ContentType]) -> list[dict[str, t.Any]]:
    """Return the global fields that content types use, each once, as their schemas are inline."""
    found: dict[str, dict[str, t.Any]] = {}
    for content_type in content_types:
        for field in _fields(content_type.get("schema")):
            uid = field.get("reference_to")
            if (
                field.get("data_type") == "global_field"
                and isinstance(uid, str)
                and isinstance(field.get("schema"), list)
            ):
                found.setdefault(uid, {"uid": uid, "title": field.get("display_name"), "schema": field["schema"]})
    return [found[uid] for uid in sorted(found)]


def _fields(schema: object) -> Iterator[dict[str, t.Any]]:
    """Yield every field at any depth."""
    for field in schema if isinstance(schema, list) else ():
        if isinstance(field, dict):
            yield field
            yield from _fields(field.get("schema"))
            yield from _fields(field.get("blocks"))


def _decode_list(body: bytes) -> dict[str, t.Any]:
    answer = decode_json(body)
    if not isinstance(answer.get("content_types"), list):
        msg = "no list of content types"
        raise ValueError(msg)  # noqa: TRY004 - the body's fault, not the caller's
    return answer
