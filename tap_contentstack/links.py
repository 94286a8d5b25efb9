"""All links of an entry, to other entries and to assets, wherever they stand."""

from __future__ import annotations

import re
import typing as t

from tap_contentstack.paths import Text, path_text
from tap_contentstack.shapes import ASSET_UID, HTML, RICH_TEXT

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_contentstack.paths import Path
    from tap_contentstack.shapes import Shape

    Link: t.TypeAlias = tuple[Path | None, str, str | None]
    Find: t.TypeAlias = Callable[[t.Any, Path | None, list[Link]], None]
    Member: t.TypeAlias = Callable[[Shape, str], Callable[[t.Any], t.Any]]

ASSETS = "sys_assets"
"""Stands for the content type of an asset, as in the feed."""
LINKLESS = frozenset({"_metadata", "_workflow", "ACL", "publish_details"})
"""System keys; none of them links to entries or assets."""
RICH_TEXT_MARKS = (b'-uid"', b'asset_uid"')
"""One of these is in every rich text that has a link."""
FREE_MARKS = (b"-uid", b"_uid")
"""One of these is in all JSON that has a link."""

_HTML_MARKS = ("data-sys-", "asset_uid")
_TAG = re.compile(r"""<[a-zA-Z](?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""")
_ATTRIBUTE = re.compile(r"""([a-zA-Z_-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


def link_finder(
    shape: Shape,
    *,
    member: Member | None = None,
    in_free: Callable[[Shape], Find] | None = None,
) -> Find | None:
    """Return what finds the links in values of a shape; None if there can be none.

    Args:
        shape: The shape.
        member: Makes what takes a key's value from an object; objects are dicts unless this says otherwise.
        in_free: Makes what finds the links in JSON of any shape; that is decoded unless this says otherwise.
    """
    member, in_free = member or _dict_member, in_free or _free

    def finder(shape: Shape) -> Find | None:
        if shape.media_type == ASSET_UID and shape.kind == "string":
            return _asset
        if shape.media_type == HTML and shape.kind == "string":
            return _html
        if shape.is_reference:
            return _reference(member(shape, "uid"), member(shape, "_content_type_uid"))
        if shape.fields is not None:
            each = [
                (key, member(shape, key), found)
                for key, inner in shape.fields.items()
                if key not in LINKLESS and (found := finder(inner))
            ]
            return _record(each) if each else None
        if shape.items is not None:
            found = finder(shape.items)
            return found and _elements(found)
        return in_free(shape) if shape.is_free else None

    return finder(shape)


def references(links: Iterable[Link]) -> list[dict[str, str | None]]:
    """Return links as the column `_references` lists them, each once."""
    rows = dict.fromkeys((path_text(path), uid, content_type) for path, uid, content_type in links)
    return [{"path": path, "uid": uid, "content_type_uid": content_type} for path, uid, content_type in rows]


def unmapped_links(unmapped: Mapping[str, t.Any], out: list[Link]) -> None:
    """Find links in values that did not fit their column."""
    for path, value in unmapped.items():
        free_links(value, (None, Text(path)), out)


def free_links(value: t.Any, path: Path | None, out: list[Link]) -> None:
    """Find references, nodes of rich text and HTML that links, in JSON of any shape."""
    if isinstance(value, dict):
        uid, content_type = value.get("uid"), value.get("_content_type_uid")
        if uid and isinstance(uid, str) and isinstance(content_type, str):
            out.append((path, uid, content_type))
        _node(value, path, out)
        for key, each in value.items():
            free_links(each, (path, key), out)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            free_links(each, (path, index), out)
    elif isinstance(value, str):
        _html(value, path, out)


def rich_text_links(value: t.Any, path: Path | None, out: list[Link]) -> None:
    """Find the nodes of a JSON rich text that embed or link to entries and assets."""
    if isinstance(value, dict):
        _node(value, path, out)
        children = value.get("children")
        if isinstance(children, list):
            inside = (path, "children")
            for index, each in enumerate(children):
                rich_text_links(each, (inside, index), out)


def _node(node: Mapping[str, t.Any], path: Path | None, out: list[Link]) -> None:
    """Find the link of one node: it is in the attributes, or in those of the HTML that the node was made of."""
    attributes = node.get("attrs")
    if not isinstance(attributes, dict):
        return
    redactor = attributes.get("redactor-attributes")
    entry, asset = attributes.get("entry-uid"), attributes.get("asset-uid") or attributes.get("asset_uid")
    if not asset and isinstance(redactor, dict):
        asset = redactor.get("asset_uid") or redactor.get("asset-uid")
    if entry and isinstance(entry, str):
        content_type = attributes.get("content-type-uid")
        out.append((path, entry, content_type if isinstance(content_type, str) else None))
    elif asset and isinstance(asset, str):
        out.append((path, asset, ASSETS))


def _html(value: t.Any, path: Path | None, out: list[Link]) -> None:
    """Find tags that embed or link to entries (`data-sys-entry-uid`) and assets (`data-sys-asset-uid`, `asset_uid`)."""
    if not value or not any(mark in value for mark in _HTML_MARKS):
        return
    for tag in _TAG.findall(value):
        attributes = {name.lower(): first or second or third for name, first, second, third in _ATTRIBUTE.findall(tag)}
        asset = attributes.get("data-sys-asset-uid") or attributes.get("asset_uid")
        if entry := attributes.get("data-sys-entry-uid"):
            out.append((path, entry, attributes.get("data-sys-content-type-uid")))
        elif asset:
            out.append((path, asset, ASSETS))


def _asset(value: t.Any, path: Path | None, out: list[Link]) -> None:
    if value:
        out.append((path, value, ASSETS))


def _reference(uid_of: Callable[[t.Any], t.Any], content_type_of: Callable[[t.Any], t.Any]) -> Find:
    def find(value: t.Any, path: Path | None, out: list[Link]) -> None:
        if value is not None and (uid := uid_of(value)):
            out.append((path, uid, content_type_of(value)))

    return find


def _record(fields: list[tuple[str, Callable[[t.Any], t.Any], Find]]) -> Find:
    def find(value: t.Any, path: Path | None, out: list[Link]) -> None:
        if value is not None:
            for key, get, find_in in fields:
                if (each := get(value)) is not None:
                    find_in(each, (path, key), out)

    return find


def _elements(find_in: Find) -> Find:
    def find(value: t.Any, path: Path | None, out: list[Link]) -> None:
        for index, each in enumerate(value):
            find_in(each, (path, index), out)

    return find


def _free(shape: Shape) -> Find:
    return rich_text_links if shape.media_type == RICH_TEXT else free_links


def _dict_member(_: Shape, key: str) -> Callable[[t.Any], t.Any]:
    return lambda value: value.get(key)
