"""Every link of an entry, wherever it stands."""

from __future__ import annotations

import json

import pytest

from tap_contentstack.api.page import decode_page
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.links import Link
from tap_contentstack.schema import stream_schemas as schemas

IN_GROUP = [
    {"uid": "image", "data_type": "file"},
    {"uid": "refs", "data_type": "reference", "reference_to": ["blog", "page"]},
    {"uid": "html", "data_type": "text", "field_metadata": {"allow_rich_text": True}},
]
CONTENT_TYPE = {
    "schema": [
        *IN_GROUP,
        {"uid": "images", "data_type": "file", "multiple": True},
        {"uid": "old_refs", "data_type": "reference", "reference_to": "author"},
        {"uid": "body", "data_type": "json", "field_metadata": {"allow_json_rte": True}},
        {"uid": "bodies", "data_type": "json", "field_metadata": {"allow_json_rte": True}, "multiple": True},
        {"uid": "custom", "data_type": "json"},
        {"uid": "group", "data_type": "group", "schema": IN_GROUP},
        {"uid": "blocks", "data_type": "blocks", "blocks": [{"uid": "hero", "schema": IN_GROUP}]},
        {"uid": "Image", "data_type": "file"},
        {"uid": "100%", "data_type": "group", "multiple": True, "schema": IN_GROUP},
        {"uid": "plain", "data_type": "text"},
    ],
}
EMBEDDED_ENTRY = {
    "type": "reference",
    "attrs": {"type": "entry", "entry-uid": "e1", "content-type-uid": "blog", "display-type": "block"},
}
EMBEDDED_ASSET = {"type": "reference", "attrs": {"type": "asset", "asset-uid": "a1", "content-type-uid": "sys_assets"}}
IMAGE = {"type": "img", "attrs": {"url": "/x.png", "redactor-attributes": {"asset_uid": "a1", "src": "/x.png"}}}


def links(item):
    """Return the links of an item as (path, uid, content type), checked to be the same both ways."""
    codec = Codec(schemas.entry_schema(CONTENT_TYPE), columns=schemas.entry_columns(CONTENT_TYPE))
    text = json.dumps({"uid": "e0", **item}).encode()
    data = decode_page(b'{"items":[{"data":' + text + b"}]}").items[0].data
    exact, fast = codec.exact(data), codec.fast(data)
    if fast is not None:
        assert fast.links == exact.links
    return [(each.path, each.uid, each.content_type_uid) for each in exact.links]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"image": "a1"}, [("image", "a1", "sys_assets")]),
        ({"images": ["a1", None, "a2"]}, [("images[0]", "a1", "sys_assets"), ("images[2]", "a2", "sys_assets")]),
        ({"refs": [{"uid": "e1", "_content_type_uid": "page"}]}, [("refs[0]", "e1", "page")]),
        ({"old_refs": ["e1", "e2"]}, [("old_refs[0]", "e1", "author"), ("old_refs[1]", "e2", "author")]),
        ({"group": {"image": "a1"}}, [("group.image", "a1", "sys_assets")]),
        (
            {"blocks": [{}, {"hero": {"refs": [{"uid": "e1", "_content_type_uid": "blog"}]}}]},
            [("blocks[1].hero.refs[0]", "e1", "blog")],
        ),
        ({"100%": [{"image": "a1"}]}, [('["100%"][0].image', "a1", "sys_assets")]),
        ({"Image": "a1"}, [("Image", "a1", "sys_assets")]),
        ({"body": {"children": [{"children": [EMBEDDED_ENTRY]}]}}, [("body.children[0].children[0]", "e1", "blog")]),
        ({"body": {"children": [EMBEDDED_ASSET]}}, [("body.children[0]", "a1", "sys_assets")]),
        ({"body": {"children": [IMAGE]}}, [("body.children[0]", "a1", "sys_assets")]),
        ({"bodies": [None, {"children": [EMBEDDED_ENTRY]}]}, [("bodies[1].children[0]", "e1", "blog")]),
        ({"custom": {"x": [{"uid": "e1", "_content_type_uid": "blog"}]}}, [("custom.x[0]", "e1", "blog")]),
        ({"custom": EMBEDDED_ENTRY}, [("custom", "e1", "blog")]),
        ({"custom": ['<a data-sys-entry-uid="e1" >']}, [("custom[0]", "e1", None)]),
    ],
    ids=repr,
)
def test_links_are_found(item, expected):
    assert links(item) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<div data-sys-entry-uid="e1" data-sys-content-type-uid="blog" type="entry">x</div>', [("e1", "blog")]),
        ("<figure data-sys-asset-uid='a1' alt='1 > 0'></figure>", [("a1", "sys_assets")]),
        ('<img asset_uid="a1" src="/a.png"/>', [("a1", "sys_assets")]),
        ('<p>a<img ASSET_UID=a1></p><img asset_uid="a2">', [("a2", "sys_assets")]),
        ('<img asset_uid="a1"><img asset_uid="a1">', [("a1", "sys_assets")]),
        ('<p data-sys-entry-uid="">asset_uid="a1"</p>', []),
        ("<" * 2000 + ' asset_uid="a1"', []),
    ],
)
def test_links_of_html_are_in_the_attributes_of_tags(html, expected):
    if "ASSET_UID" in html:
        expected = [("a1", "sys_assets"), *expected]
    assert links({"html": html}) == [("html", *each) for each in expected]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"image": None, "refs": [], "old_refs": None},
        {"image": ""},
        {"refs": [{"uid": None}, None, {}]},
        {"body": {"children": [{"type": "p", "attrs": {}}, "text", None]}},
        {"body": {"children": [{"attrs": {"entry-uid": 5, "asset-uid": ["a"]}}]}},
        {"plain": '<img asset_uid="a1">'},
        {"_workflow": {"uid": "w1", "_content_type_uid": "x"}},
    ],
    ids=repr,
)
def test_what_is_no_link_is_not_listed(item):
    assert links(item) == []


def test_links_in_values_that_do_not_fit_count():
    assert links({"gone": [{"uid": "e1", "_content_type_uid": "blog"}]}) == [("gone[0]", "e1", "blog")]
    assert links({"refs": {"uid": "e1", "_content_type_uid": "blog"}}) == [("refs", "e1", "blog")]
    assert links({"group": {"old": {"children": [EMBEDDED_ASSET]}}}) == [("group.old.children[0]", "a1", "sys_assets")]


def test_a_whole_asset_is_one_link():
    assert links({"image": {"uid": "a1", "_content_type_uid": "sys_assets"}}) == [("image", "a1", "sys_assets")]


PICKED = {"uid": "a1", "filename": "a.png", "content_type": "image/png", "url": "https://images.example/a.png"}


@pytest.mark.parametrize(
    ("item", "paths"),
    [
        ({"custom": {"assets": [PICKED]}}, ["custom.assets[0]"]),
        ({"custom": [PICKED, PICKED]}, ["custom[0]", "custom[1]"]),
        ({"custom": PICKED | {"_content_type_uid": "sys_assets"}}, ["custom"]),
        ({"custom": PICKED | {"attrs": {"asset-uid": "a1"}}}, ["custom"]),
        ({"gone": {"of": PICKED}}, ["gone.of"]),
        ({"plain": PICKED}, ["plain"]),
        ({"custom": {key: value for key, value in PICKED.items() if key != "filename"}}, []),
        ({"custom": PICKED | {"uid": None}}, []),
    ],
    ids=repr,
)
def test_an_asset_that_a_picker_keeps_is_one_link(item, paths):
    assert links(item) == [(path, "a1", "sys_assets") for path in paths]


@pytest.mark.parametrize("key", [r"f\u0069lename", "filename"])
def test_a_key_of_an_asset_is_known_however_it_is_written(key):
    codec = Codec(schemas.entry_schema(CONTENT_TYPE))
    text = json.dumps({"uid": "e0", "custom": PICKED}).replace("filename", key).encode()
    data = decode_page(b'{"items":[{"data":' + text + b"}]}").items[0].data
    found = codec.fast(data) or codec.exact(data)
    assert found.links == [Link("custom", "a1", "sys_assets")]


def test_an_escaped_key_hides_no_link():
    codec = Codec(schemas.entry_schema(CONTENT_TYPE))
    text = rb'{"uid":"e0","body":{"children":[{"attrs":{"entry\u002duid":"e1"}}]}}'
    data = decode_page(b'{"items":[{"data":' + text + b"}]}").items[0].data
    assert codec.fast(data) is None
    assert codec.exact(data).links == [Link("body.children[0]", "e1", None)]
