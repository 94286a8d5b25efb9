"""A mistake in the settings, or a token that lost its access, empties no warehouse."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sandbox import Fault, Sandbox, Stack
from tests.tap_process import LISTS, fail, keys_of, load, published, run_tap

MISTAKES = {
    "a locale that differs by its case": ({"locales": ["en-US"]}, "nothing at all is published to 'en-US'"),
    "a locale with an underscore beside a good one": ({"locales": ["en_us", "fr-fr"]}, "published to 'en_us'"),
    "a start date in the future": ({"start_date": "2130-01-01T00:00:00Z"}, "lies in the future"),
    "a start date after everything": ({"start_date": "2026-11-01T00:00:00Z"}, "nothing is published in scope"),
    "an environment with nothing in it": ({"environment": "staging"}, "nothing is published in scope"),
}


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("streams", ["per_content_type", "combined"])
def test_a_mistake_in_the_scope_sweeps_nothing(small, mistake, sentence, streams):
    first = load(small, entry_streams=streams)
    output = fail({**small.settings, "entry_streams": streams, **mistake}, state=first.state)
    assert sentence in output.last_line
    assert "allow_empty" in output.last_line
    swept = {each["stream"] for each in output.of_type("ACTIVATE_VERSION")}
    assert swept <= LISTS
    again = fail({**small.settings, "entry_streams": streams, **mistake}, state=(output.states or [first.state])[-1])
    assert sentence in again.last_line
    assert {each["stream"] for each in again.of_type("ACTIVATE_VERSION")} <= LISTS
    after = load(small, entry_streams=streams, state=output.states[-1] if output.states else first.state)
    assert keys_of(after.tables(first, output)) == keys_of(first.tables())


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_allow_empty_confirms_what_is_meant_and_says_to_unset_it(small, mistake, sentence):
    first = load(small)
    output = load(small, state=first.state, allow_empty=True, **mistake)
    assert "Unset allow_empty again" in output.err
    assert sentence in output.err
    again = load(small, state=output.state, **mistake)
    assert not again.of_type("ACTIVATE_VERSION", "entries_page")


def test_one_stream_that_lists_something_releases_the_brake_for_all(small):
    small.stack.publish_entry("pet", "pet1", {}, ["en-us"])
    first = load(small)
    small.expire_tokens()
    for locale in ("en-us", "fr-fr"):
        small.stack.unpublish_entry("page", "page1", locale)
    small.stack.unpublish_asset("asset1", "en-us")
    second = load(small, state=first.state, max_concurrency=1)
    assert keys_of(second.tables(first)) == {name: set(rows) for name, rows in published(small).items() if rows}


def test_what_was_published_since_a_pass_began_releases_the_brake(small):
    """A pass that an earlier run began lists what was published then: nothing at all."""
    small.behaviour = replace(small.behaviour, history=True)
    small.page_size = 1
    first = load(small)
    small.expire_tokens()
    for locale in ("en-us", "fr-fr"):
        for uid in ("page", "pet", "tag"):
            small.stack.unpublish_entry(uid, f"{uid}1", locale)
        small.stack.unpublish_asset("asset1", locale)
    small.faults.add(Fault(status=400, path="pagination_token", times=None, after=1))
    cut = fail(small.settings, state=first.state)
    assert cut.state["bookmarks"]["entries_page"]["pagination_token"]
    small.faults.clear()
    small.stack.publish_entry("page", "page1", {}, ["fr-fr"])
    second = load(small, state=cut.state)
    assert keys_of(second.tables(first, cut)) == {"entries_page": {("page1", "fr-fr")}}


NO_CONTENT_TYPE = Fault(kind="html", status=200, body='{"content_types": []}', path="/v3/content_types?limit=1")
NO_FEED = Fault(status=422, code=118, path="/v3/stacks/sync?init=true&type=asset_published&")


@pytest.mark.parametrize(
    ("gone", "second_answer", "sentence"),
    [((), NO_CONTENT_TYPE, "no longer lists any content type"), (("page", "pet", "tag"), NO_FEED, "failed (assets)")],
    ids=["content types", "assets alone"],
)
def test_a_token_that_loses_its_access_before_a_check_of_deletes_removes_no_asset(small, gone, second_answer, sentence):
    for uid in gone:
        small.stack.delete_content_type(uid)
    first = load(small)
    small.stack.delete_asset("asset1", "en-us")
    small.faults.add(Fault(kind="html", status=200, body='{"assets": []}', path="/v3/assets", times=None))
    small.faults.add(replace(second_answer))
    output = fail(small.settings, state=first.state)
    assert sentence in output.last_line
    small.faults.clear()
    second = load(small, state=output.state)
    assert keys_of(second.tables(first, output))["assets"] == {("asset1", "fr-fr")}


def test_a_list_that_a_run_did_not_get_to_is_not_believed_to_be_empty_by_the_next(small):
    small.stack.add_global_field({"uid": "seo", "schema": []})
    first = load(small)
    small.faults.add(Fault(status=500, path="/v3/global_fields", times=None))
    cut = fail({**small.settings, "max_retries": 0}, state=first.state)
    small.faults.clear()
    small.faults.add(Fault(kind="html", status=200, body='{"global_fields": []}', path="/v3/global_fields", times=None))
    small.faults.add(Fault(kind="html", status=200, body='{"content_types": []}', path="/v3/content_types?", after=1))
    output = fail(small.settings, state=cut.state)
    assert "no longer lists any content type" in output.last_line
    assert not output.of_type("ACTIVATE_VERSION", "global_fields")


def test_a_stack_that_lists_no_content_type_any_more_empties_nothing(small):
    first = load(small)
    for uid in ("page", "pet", "tag"):
        small.stack.delete_content_type(uid)
    output = fail(small.settings, state=first.state)
    assert "no longer lists any content type" in output.last_line
    assert output.out == b""
    emptied = load(small, state=first.state, allow_empty=True)
    assert keys_of(emptied.tables(first)) == {"assets": {("asset1", "en-us"), ("asset1", "fr-fr")}}
    load(small, state=emptied.state)


def test_a_stack_that_was_always_empty_needs_no_confirmation():
    with Sandbox(Stack(locales=("en-us",))) as empty:
        load(empty, state=load(empty).state)


def test_a_content_type_that_a_list_still_has_is_not_gone(small):
    """Two answers have to agree: 118 for the type, and a list that lacks it."""
    first = load(small)
    small.faults.add(Fault(path="/v3/content_types/page", kind="status", status=422, code=118, times=None))
    output = load(small, state=first.state)
    assert keys_of(output.tables(first)) == keys_of(first.tables())


def test_a_combined_table_that_is_not_loaded_needs_no_confirmation_again(small):
    config = {"entry_streams": "combined"}
    catalog = json.loads(run_tap(small.settings | config, "--discover").out)
    first = load(small, **config)
    for uid in list(small.stack.content_types):
        small.stack.delete_content_type(uid)
    entries = next(each for each in catalog["streams"] if each["tap_stream_id"] == "entries")
    next(each for each in entries["metadata"] if not each["breadcrumb"])["metadata"]["selected"] = False
    confirmed = load(small, state=first.state, catalog=catalog, allow_empty=True, **config)
    for again in (load(small, state=confirmed.state, catalog=catalog, **config), load(small, state=confirmed.state)):
        assert again.state["bookmarks"]["entries"] == first.state["bookmarks"]["entries"]


def test_a_bookmark_that_is_for_no_content_type_needs_no_confirmation_again():
    with Sandbox(Stack(locales=("en-us",))) as empty:
        state = load(empty).state
        state["bookmarks"]["other"] = {"content_type_uid": "no/such type?"}
        load(empty, state=state)
