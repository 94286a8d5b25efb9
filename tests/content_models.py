"""Random content types, and entries of them that fit, half fit or do not fit at all."""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

replayable = settings(
    deadline=None,
    print_blob=True,
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SYSTEM = {"uid": "e1", "locale": "en-us", "_version": 3, "publish_details": {"locale": "fr-fr"}}


UIDS = st.text("abcxyzABC_019", min_size=1, max_size=8) | st.sampled_from(
    ["a.b", "a-b", 'q"q', "ü", "uid", "_references"]
)
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "2024-02-29",
        "2024-02-30T00:00:00Z",
        "a\0b",
        "\ud800",
        "blt0123456789abcdef",
        '<a data-sys-entry-uid="e1" data-sys-content-type-uid="blog">x</a>',
        '<img asset_uid="a1"><img data-sys-asset-uid="a1">',
    ],
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1.0, 0, -0.0])
)
TIMES = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | st.sampled_from(
    [
        "",
        "2024-02-29",
        "2024-02-29T10:00:00+05:30",
        "2024-02-29T10:00:00.123456789Z",
        "0001-01-01T00:00:00+05:00",
        "2023-02-29T00:00:00.000Z",
        "2024-02-29T24:00:00Z",
        "\\u0032024-02-29T10:00:00Z",
        "2024-02-29t10:00:00z",
        "10000-01-01T00:00:00Z",
        "T",
        "Z",
    ],
)
NODES = st.fixed_dictionaries(
    {"type": st.sampled_from(["reference", "p"])},
    optional={
        "attrs": st.dictionaries(
            st.sampled_from(["entry-uid", "asset-uid", "asset_uid", "content-type-uid", "redactor-attributes"]),
            st.sampled_from(["u1", "", "sys_assets"]) | st.just({"asset_uid": "r1"}),
        ),
    },
)
REFERENCES = st.fixed_dictionaries(
    {"uid": st.sampled_from(["e1", "e2", ""])},
    optional={"_content_type_uid": st.sampled_from(["blog", None]), "extra": st.integers()},
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | TIMES
ANY_JSON = st.recursive(
    SCALARS | NODES | REFERENCES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | UIDS, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.recursive(
    NODES, lambda inner: st.fixed_dictionaries({"children": st.lists(inner | ANY_JSON, max_size=3)})
)


def _lists(inner):
    return st.lists(inner, max_size=3)


def _maybe(strategy):
    """Return values of which now and then one does not fit."""
    return st.integers(0, 11).flatmap(lambda number: ANY_JSON if number == 0 else strategy)


SIMPLE = {
    "text": TEXTS,
    "html": TEXTS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "isodate": TIMES,
    "file": st.sampled_from(["asset1", ""])
    | st.fixed_dictionaries({"uid": st.just("asset2"), "filename": st.just("a.png")}),
    "link": st.fixed_dictionaries({}, optional={"title": TEXTS, "href": TEXTS}),
    "json_rte": DOCUMENTS,
    "json": ANY_JSON,
    "future_type": ANY_JSON,
}
METADATA = {
    "html": {"allow_rich_text": True},
    "json_rte": {"allow_json_rte": True},
}
DATA_TYPES = {"html": "text", "json_rte": "json"}


@st.composite
def fields(draw, depth=2):
    """Return a field's definition, and a strategy for its values."""
    kinds = [*SIMPLE, "reference", "old_reference", "taxonomy"]
    if depth:
        kinds += ["group", "global_field", "blocks"] * 2
    kind = draw(st.sampled_from(kinds))
    field = {"uid": draw(UIDS), "data_type": DATA_TYPES.get(kind, kind), "field_metadata": METADATA.get(kind, {})}
    multiple = draw(st.booleans())
    if kind in SIMPLE:
        values = SIMPLE[kind]
    elif kind in {"reference", "old_reference"}:
        old = kind == "old_reference"
        field |= {"data_type": "reference", "reference_to": "blog" if old else ["blog", "page"]}
        return field, _lists(_maybe(st.sampled_from(["e1", "e2"]) if old else REFERENCES))
    elif kind == "taxonomy":
        field |= {"multiple": True, "taxonomies": [{"taxonomy_uid": "colours"}]}
        return field, _lists(st.fixed_dictionaries({"taxonomy_uid": TEXTS, "term_uid": TEXTS}))
    elif kind == "blocks":
        inner = draw(st.lists(schemas(depth - 1), min_size=1, max_size=2))
        field["blocks"] = [{"uid": f"block{number}", "schema": each} for number, (each, _) in enumerate(inner)]
        blocks = [st.fixed_dictionaries({f"block{number}": each}) for number, (_, each) in enumerate(inner)]
        return field | {"multiple": True}, _lists(_maybe(st.one_of(blocks)))
    else:
        field["schema"], values = draw(schemas(depth - 1))
    if multiple:
        return field | {"multiple": True}, _lists(_maybe(values))
    return field, values


@st.composite
def schemas(draw, depth=2):
    """Return a list of fields, and a strategy for objects of them."""
    drawn = draw(st.lists(fields(depth), max_size=4, unique_by=lambda each: each[0]["uid"]))
    members = {field["uid"]: _maybe(values) for field, values in drawn}
    objects = st.fixed_dictionaries({}, optional=members | {"_metadata": st.just({"uid": "cs1"}), "gone": ANY_JSON})
    return [field for field, _ in drawn], objects


@st.composite
def content_types(draw):
    """Return a content type, and a strategy for the data of its items."""
    schema, objects = draw(schemas())
    system = st.fixed_dictionaries(
        {"uid": st.just("e0"), "_version": st.integers(1, 9)},
        optional={
            "locale": st.just("en-us"),
            "title": _maybe(TEXTS),
            "tags": _lists(_maybe(TEXTS)),
            "created_at": _maybe(TIMES),
            "publish_details": _maybe(st.fixed_dictionaries({"locale": st.just("fr-fr"), "time": TIMES})),
            "_workflow": ANY_JSON,
            "ACL": st.just({}),
        },
    )
    data = st.builds(lambda content, known: content | known, objects, system) | ANY_JSON
    return {"uid": "article", "schema": schema, "options": {"is_page": draw(st.booleans())}}, data


def as_text(value, *, ascii_only=False):
    """Return a value as the API would write it; half surrogate pairs as escapes, which JSON can carry."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    if not ascii_only:
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if plain.isprintable():
            text = plain
    return text.encode()
