"""Where the Dagster project keeps the state of each stream."""

from __future__ import annotations

import uuid

import pytest

from contentstack_dagster.store import MovedError, Store

OLD, NEW = {"bookmark": {"version": 1}, "pages": 1}, {"bookmark": {"version": 2}, "pages": 3}


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return Store(f"file://{tmp_path}/states" if request.param == "file" else f"memory://{uuid.uuid4()}")


def test_a_store_begins_empty(store):
    assert store.streams() == []
    assert store.read("entries_story") == {}


def test_what_is_stored_is_read_again_by_stream(store):
    store.write("entries_story", {}, OLD)
    store.write("assets", {}, NEW)
    assert (store.read("entries_story"), store.read("assets")) == (OLD, NEW)
    assert store.streams() == ["assets", "entries_story"]


def test_a_state_is_replaced_and_removed(store):
    store.write("entries_story", {}, OLD)
    store.write("entries_story", OLD, NEW)
    assert store.read("entries_story") == NEW
    store.write("entries_story", NEW, {})
    assert store.streams() == []


@pytest.mark.parametrize("after", [NEW, {}], ids=["replace", "remove"])
def test_a_state_that_another_run_has_stored_meanwhile_is_kept(store, after):
    store.write("entries_story", {}, NEW)
    with pytest.raises(MovedError, match="entries_story: another run has stored a state"):
        store.write("entries_story", OLD, after)
    assert store.read("entries_story") == NEW


def test_a_file_that_is_half_written_is_no_state(store):
    store.write("entries_story", {}, OLD)
    store._files.pipe_file(store._path("assets") + ".new", b'{"bookmark"')
    assert store.streams() == ["entries_story"]
