"""Names that targets neither merge nor refuse."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_contentstack.schema.names import column_names, stream_name


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@pytest.mark.parametrize("uid", ["blog", "blog_post_2", "_x", "a" * 55])
def test_a_stream_of_a_plain_uid_is_named_by_it(uid):
    assert stream_name(uid) == f"entries_{uid}"


@pytest.mark.parametrize(
    ("uid", "head"),
    [
        ("blog-post", "entries_blog_post"),
        ("Blog", "entries_blog"),
        ("a" * 56, "entries_" + "a" * 46),
        ("ü", "entries__"),
    ],
)
def test_a_stream_of_any_other_uid_is_cut_and_hashed(uid, head):
    assert stream_name(uid) == f"{head}_{digest(uid)}"
    assert len(stream_name(uid)) <= 63


@given(st.sets(st.text("aA-_.b", min_size=1, max_size=5)))
def test_streams_never_share_a_name(uids):
    assert len({stream_name(uid) for uid in uids}) == len(uids)


def test_columns_keep_the_uids_of_fields():
    assert column_names(["title", "hero-image", "Größe"], []) == {
        "title": "title",
        "hero-image": "hero-image",
        "Größe": "Größe",
    }


@pytest.mark.parametrize(
    ("uids", "kept"),
    [(["Price", "price", "PRICE"], "price"), (["Price", "PRICE"], "PRICE")],
    ids=["lower case first", "else the first in order"],
)
def test_of_fields_that_differ_in_case_one_keeps_its_name(uids, kept):
    names = column_names(uids, [])
    assert names == {uid: uid if uid == kept else f"{uid}_{digest(uid)}" for uid in uids}


@pytest.mark.parametrize("uid", ["_references", "_REFERENCES", "_sdc_deleted_at", "_sdc_anything", "_SDC_x", ""])
def test_the_taps_and_the_targets_own_columns_are_left_to_them(uid):
    name = column_names([uid], ["_references"])[uid]
    assert name.endswith(digest(uid))
    assert not name.lower().startswith("_sdc_")


@pytest.mark.parametrize("uid", ["a" * 64, "ä" * 40])
def test_a_long_uid_is_cut_between_characters(uid):
    name = column_names([uid], [])[uid]
    assert name.endswith(f"_{digest(uid)}")
    assert uid.startswith(name[:-9])
    assert 60 <= len(name.encode()) <= 63


@given(st.lists(st.text("aAbB_\0ß", max_size=4) | st.text(min_size=60, max_size=80), unique=True), st.randoms())
def test_columns_are_unique_storable_and_independent_of_order(uids, randomness):
    names = column_names(uids, ["ab", "_references"])
    shuffled = list(uids)
    randomness.shuffle(shuffled)
    assert column_names(shuffled, ["ab", "_references"]) == names
    folded = [name.casefold() for name in names.values()]
    assert len({*folded, "ab", "_references"}) == len(uids) + 2
    assert all(0 < len(name.encode()) <= 63 and "\0" not in name for name in names.values())


def test_a_field_that_has_anothers_hashed_name_does_not_take_it():
    taken = f"Ab_{digest('Ab')}".lower()
    names = column_names(["ab", "Ab", taken], [])
    assert len({name.lower() for name in names.values()}) == 3
