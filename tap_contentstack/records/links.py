"""Finds every link from an entry to another entry or asset, at any depth."""

from __future__ import annotations

import re
import typing as t

import msgspec

from tap_contentstack.events import ASSETS
from tap_contentstack.schema.shapes import ASSET_UID, HTML
from tap_contentstack.values.paths import Text, path_text

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_contentstack.schema.shapes import Shape
    from tap_contentstack.values.paths import Path

    Find: t.TypeAlias = Callable[[t.Any, Path | None, list["Link"]], None]

LINKLESS = frozenset({"_metadata", "_workflow", "ACL", "publish_details"})
"""System keys; none of them links to entries or assets."""
ASSET_KEYS = ("filename", "content_type", "url")
"""Beside its `uid`, what an asset picker keeps of an asset; no other object has them all."""
LINK_MARKS = (b"-uid", b"_uid", b'"filename"')
"""One of these is in all JSON that has a link."""

HTML_MARKS = ("data-sys-", "asset_uid")
_TAG = re.compile(r"""<[a-zA-Z](?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""")
_ATTRIBUTE = re.compile(r"""([a-zA-Z_-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


class Link(msgspec.Struct, frozen=True, gc=False):
    """One element of the column `_references`."""

    path: str
    uid: str
    content_type_uid: str | None


def link_finder(shape: Shape) -> Find | None:
    """Return what finds the links in values of a shape; None if there can be none."""
    if shape.media_type == ASSET_UID and shape.kind == "string":
        return _asset
    if shape.media_type == HTML and shape.kind == "string":
        return html_links
    if shape.is_reference:
        return _reference
    if shape.fields is not None:
        each = {
            key: find for key, inner in shape.fields.items() if key not in LINKLESS and (find := link_finder(inner))
        }
        return _record(each) if each else None
    if shape.items is not None:
        find_in = link_finder(shape.items)
        return find_in and _elements(find_in)
    if shape.is_free:
        return rich_text_links if shape.is_rich_text else free_links
    return None


def unmapped_links(unmapped: Mapping[str, t.Any], out: list[Link]) -> None:
    """Find links in values that did not fit their column."""
    for path, value in unmapped.items():
        free_links(value, (None, Text(path)), out)


def free_links(value: t.Any, path: Path | None, out: list[Link]) -> None:
    """Find references, whole assets, nodes of rich text and HTML that links, in JSON of any shape."""
    if isinstance(value, dict):
        link, node = _object_link(value, path), _node_link(value, path)
        if link:
            out.append(link)
        if node and node != link:
            out.append(node)
        for key, each in value.items():
            free_links(each, (path, key), out)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            free_links(each, (path, index), out)
    elif isinstance(value, str):
        html_links(value, path, out)


def rich_text_links(value: t.Any, path: Path | None, out: list[Link]) -> None:
    """Find the nodes of a JSON rich text that embed or link to entries and assets."""
    if isinstance(value, dict):
        if node := _node_link(value, path):
            out.append(node)
        children = value.get("children")
        if isinstance(children, list):
            inside = (path, "children")
            for index, each in enumerate(children):
                rich_text_links(each, (inside, index), out)


def _object_link(value: Mapping[str, t.Any], path: Path | None) -> Link | None:
    """Return the link that an object is: a reference names its content type, an asset is known by its keys."""
    uid, content_type = value.get("uid"), value.get("_content_type_uid")
    if not uid or not isinstance(uid, str):
        return None
    if isinstance(content_type, str):
        return Link(path_text(path), uid, content_type)
    return Link(path_text(path), uid, ASSETS) if all(isinstance(value.get(key), str) for key in ASSET_KEYS) else None


def _node_link(node: Mapping[str, t.Any], path: Path | None) -> Link | None:
    """Return the link of one node: it is in the attributes, or in those of the HTML that the node was made of."""
    attributes = node.get("attrs")
    if not isinstance(attributes, dict):
        return None
    redactor = attributes.get("redactor-attributes")
    entry, asset = attributes.get("entry-uid"), attributes.get("asset-uid") or attributes.get("asset_uid")
    if not asset and isinstance(redactor, dict):
        asset = redactor.get("asset_uid") or redactor.get("asset-uid")
    if entry and isinstance(entry, str):
        content_type = attributes.get("content-type-uid")
        return Link(path_text(path), entry, content_type if isinstance(content_type, str) else None)
    return Link(path_text(path), asset, ASSETS) if asset and isinstance(asset, str) else None


def html_links(value: t.Any, path: Path | None, out: list[Link]) -> None:
    """Find tags that embed or link to entries (`data-sys-entry-uid`) and assets (`data-sys-asset-uid`, `asset_uid`).

    What a text links to several times is listed once.
    """
    if not value or not any(mark in value for mark in HTML_MARKS):
        return
    found: dict[Link, None] = {}
    for tag in _TAG.findall(value):
        attributes = {name.lower(): first or second or third for name, first, second, third in _ATTRIBUTE.findall(tag)}
        asset = attributes.get("data-sys-asset-uid") or attributes.get("asset_uid")
        if entry := attributes.get("data-sys-entry-uid"):
            found[Link(path_text(path), entry, attributes.get("data-sys-content-type-uid"))] = None
        elif asset:
            found[Link(path_text(path), asset, ASSETS)] = None
    out.extend(found)


def _asset(value: t.Any, path: Path | None, out: list[Link]) -> None:
    if value:
        out.append(Link(path_text(path), value, ASSETS))


def _reference(value: t.Any, path: Path | None, out: list[Link]) -> None:
    if value is not None and (uid := value.get("uid")):
        out.append(Link(path_text(path), uid, value.get("_content_type_uid")))


def _record(fields: Mapping[str, Find]) -> Find:
    def find(value: t.Any, path: Path | None, out: list[Link]) -> None:
        for key, find_in in fields.items() if value is not None else ():
            if (each := value.get(key)) is not None:
                find_in(each, (path, key), out)

    return find


def _elements(find_in: Find) -> Find:
    def find(value: t.Any, path: Path | None, out: list[Link]) -> None:
        for index, each in enumerate(value):
            if each is not None:
                find_in(each, (path, index), out)

    return find
