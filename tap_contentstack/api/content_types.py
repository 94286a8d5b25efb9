"""The stack's content types, as the delivery API lists them."""

from __future__ import annotations

import typing as t
from functools import partial
from urllib.parse import quote

from tap_contentstack.api.answers import DEEPEST, decode_json, decode_list, has_uid, is_too_deep
from tap_contentstack.errors import ApiError, NotFoundError
from tap_contentstack.values.texts import shown

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator

    from tap_contentstack.api.client import Client

ContentType: t.TypeAlias = dict[str, t.Any]

PATH = "/v3/content_types"
PAGE_SIZE = 100
"""Content types on a page, at most (Contentstack docs: get all content types)."""
FLAGS = {"include_global_field_schema": "true", "include_branch": "true"}


def list_content_types(client: Client, logger: logging.Logger) -> list[ContentType]:
    """Return all content types of the stack, each once, with the schemas of their global fields inline.

    A list that ends before the API's own count is asked for again, once: one that is changed meanwhile moves from page
    to page.
    """
    found, count = _list(client)
    if len(found) < count:
        found, count = _list(client)
    if len(found) < count:
        logger.warning("The API counts %d content types and lists %d, twice; going on with these", count, len(found))
    return found


def _list(client: Client) -> tuple[list[ContentType], int]:
    """Return the content types that the API lists, and how many it counts."""
    found: dict[str, ContentType] = {}
    skip = 0
    while True:
        params = {**FLAGS, "include_count": "true", "skip": str(skip), "limit": str(PAGE_SIZE)}
        answer = client.get(PATH, params, partial(decode_list, key="content_types"))
        page, count = answer["content_types"], answer.get("count")
        if deep := [each["uid"] for each in page if is_too_deep(each)]:
            msg = f"the content type '{shown(deep[0])}' nests its fields more than {DEEPEST} levels deep"
            raise ApiError(msg)
        found.update((each["uid"], each) for each in page)
        skip += len(page)
        if not page or (skip >= count if isinstance(count, int) else len(page) < PAGE_SIZE):
            return list(found.values()), count if isinstance(count, int) else len(found)


def find_content_type(client: Client, uid: str) -> ContentType | None:
    """Return a content type, or None if it is gone: only this answer says so, never that a list did not have it."""
    try:
        found: ContentType = client.get(f"{PATH}/{quote(uid, safe='')}", FLAGS, _decode_one)["content_type"]
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


def _decode_one(body: bytes) -> dict[str, t.Any]:
    answer = decode_json(body)
    if not has_uid(answer.get("content_type")):
        msg = "no content type"
        raise ValueError(msg)
    return answer
