"""Content types, global fields, taxonomies and their terms: whole in every run, or left as they are."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack
from tests.command.catalogs import select
from tests.tap_process import LISTS, fail, load, run_tap

FIELD = {"uid": "title", "data_type": "text"}


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    stack = Stack(locales=("en-us",))
    stack.add_global_field({"uid": "seo", "title": "Search", "schema": [FIELD]})
    stack.add_global_field({"uid": "unused", "title": "Used nowhere", "schema": [FIELD]})
    block = {"uid": "hero", "title": "Hero", "reference_to": "seo", "schema": [FIELD]}
    stack.add_content_type({"uid": "page", "schema": [FIELD, {"uid": "b", "data_type": "blocks", "blocks": [block]}]})
    stack.publish_entry("page", "page1", {}, ["en-us"])
    stack.add_taxonomy("mood", "Mood", "How it feels")
    for number in range(230):
        stack.add_term("mood", f"term{number}", parent_uid=f"term{number - 1}" if number % 100 else None)
    stack.add_taxonomy("region")
    stack.add_term("region", "term1", "A name that another taxonomy has, too")
    with Sandbox(stack) as sandbox:
        yield sandbox


def test_global_fields_have_their_own_titles_whether_they_are_used_or_not(sandbox):
    rows = load(sandbox).check().tables()["global_fields"]
    assert {uid: row["title"] for (uid,), row in rows.items()} == {"seo": "Search", "unused": "Used nowhere"}
    assert rows["seo",]["schema"][0]["uid"] == "title"


def test_terms_of_all_levels_and_pages_are_rows(sandbox):
    tables = load(sandbox).check().tables()
    assert {uid: row["description"] for (uid,), row in tables["taxonomies"].items()} == {
        "mood": "How it feels",
        "region": "",
    }
    assert set(tables["taxonomy_terms"]) == {("mood", f"term{n}") for n in range(230)} | {("region", "term1")}
    term = tables["taxonomy_terms"]["mood", "term2"]
    assert (term["parent_uid"], term["depth"], term["publish_details"]["locale"]) == ("term1", 3, "en-us")


def test_lists_are_asked_for_without_a_locale(sandbox):
    load(sandbox, locales=["en-us"])
    asked = [each for each in sandbox.requests if each.path.split("/")[2] in LISTS]
    assert len(asked) == 8
    assert not any("locale" in each.params for each in asked)


def test_lists_are_written_in_every_run(sandbox):
    first = load(sandbox)
    second = load(sandbox, state=first.state)
    assert {name: second.record_counts[name] for name in LISTS} == {name: first.record_counts[name] for name in LISTS}


def test_a_term_that_is_deleted_without_an_event_goes_with_the_next_run(sandbox):
    first = load(sandbox)
    sandbox.stack.delete_term("region", "term1")
    second = load(sandbox, state=first.state)
    assert set(second.tables(first)["taxonomy_terms"]) == {("mood", f"term{n}") for n in range(230)}


def test_a_stack_without_taxonomies_leaves_their_tables_as_they_are(sandbox):
    first = load(sandbox)
    sandbox.behaviour = Behaviour(taxonomies="off")
    second = load(sandbox, state=first.state).check()
    for name in ("taxonomies", "taxonomy_terms"):
        assert second.records(name) == second.of_type("ACTIVATE_VERSION", name) == []
        assert name not in second.loads
        lines = [line for line in second.err.splitlines() if f" {name}: " in line]
        (line,) = [line for line in lines if "does not provide this list" in line]
        assert "| WARNING " in line
    assert second.tables(first)["taxonomy_terms"].keys() == first.tables()["taxonomy_terms"].keys()


@pytest.mark.parametrize(
    ("status", "code", "is_left"),
    [(404, 404, True), (403, 162, True), (422, 141, True), (401, 105, False), (412, 109, False), (403, 901, False)],
)
def test_only_a_refusal_that_blames_no_access_leaves_a_list(sandbox, status, code, is_left):
    fault = Fault(status=status, kind="status", code=code, path="/v3/global_fields", times=None)
    sandbox.faults.add(fault)
    if is_left:
        assert "global_fields" not in load(sandbox).loads
    else:
        assert "global_fields" in fail({**sandbox.settings, "max_retries": 0}).last_line


def test_the_terms_of_a_taxonomy_that_goes_after_it_was_listed_go_alone(sandbox):
    first = load(sandbox)
    sandbox.stack.delete_term("mood", "term229")
    listed = json.dumps({"taxonomies": [{"uid": "mood"}, {"uid": "gone"}, {"uid": "region"}], "count": 3})
    sandbox.faults.add(Fault(kind="html", status=200, body=listed, path="/v3/taxonomies?", after=1))
    second = load(sandbox, state=first.state, max_concurrency=1)
    terms = {("mood", f"term{number}") for number in range(230)} | {("region", "term1")}
    assert set(second.tables(first)["taxonomy_terms"]) == terms - {("mood", "term229")}
    assert ("gone",) not in second.tables(first)["taxonomies"]


def test_a_taxonomy_that_is_listed_but_whose_terms_are_refused_fails_the_stream(sandbox):
    first = load(sandbox)
    sandbox.faults.add(Fault(status=404, code=404, path="/v3/taxonomies/region/terms", times=None))
    output = fail(sandbox.settings, state=first.state)
    assert "the API lists the taxonomy 'region', but refuses its terms" in output.last_line
    assert output.tables(first)["taxonomy_terms"].keys() == first.tables()["taxonomy_terms"].keys()


@pytest.mark.parametrize("fault", [{"status": 503}, {"kind": "html", "status": 404}])
def test_an_answer_that_is_not_the_apis_refusal_fails_the_stream(sandbox, fault):
    sandbox.faults.add(Fault(path="/v3/taxonomies", times=None, **fault))
    output = fail({**sandbox.settings, "max_retries": 1})
    assert "taxonomies" in output.last_line
    assert output.of_type("ACTIVATE_VERSION", "taxonomies") == []


def test_a_token_that_lost_its_access_empties_no_list(sandbox):
    first = load(sandbox)
    for name in ("content_types", "global_fields", "taxonomies"):
        empty = json.dumps({name: [], "count": 0})
        after = int(name == "content_types")  # the first answer is still good
        sandbox.faults.add(Fault(kind="html", status=200, body=empty, path=rf"/v3/{name}\?", after=after, times=None))
    output = fail(sandbox.settings, state=first.state)
    assert "no longer lists any content type" in output.last_line
    for name in ("global_fields", "taxonomies", "taxonomy_terms"):
        assert output.of_type("ACTIVATE_VERSION", name) == []
    sandbox.faults.clear()
    assert load(sandbox, state=output.state).tables(first, output).keys() == first.tables().keys()


def test_lists_alone_are_not_emptied_either_where_no_content_type_is_left(sandbox):
    catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
    for entry in catalog["streams"]:
        select(catalog, entry["tap_stream_id"], selected=entry["tap_stream_id"] in LISTS)
    first = load(sandbox, catalog=catalog)
    for uid in list(sandbox.stack.content_types):
        sandbox.stack.delete_content_type(uid)
    output = fail(sandbox.settings, state=first.state, catalog=catalog)
    assert "no longer lists any content type" in output.last_line
    assert output.of_type("ACTIVATE_VERSION", "content_types") == []
    confirmed = load(sandbox, state=output.state, catalog=catalog, allow_empty=True)
    assert confirmed.tables(first, output)["content_types"] == {}


def test_the_last_global_field_can_go(sandbox):
    first = load(sandbox)
    sandbox.stack.delete_global_field("seo")
    sandbox.stack.delete_global_field("unused")
    assert load(sandbox, state=first.state).tables(first)["global_fields"] == {}
