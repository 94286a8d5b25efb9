"""What the endpoints besides the feed answer: counts, taxonomies, global fields, and a token without access."""

from __future__ import annotations

import json

import pytest

from sandbox import Behaviour, Sandbox, Stack, seeded_stack
from sandbox.refusal import Refusal

TEXT = {"uid": "title", "data_type": "text"}


@pytest.fixture
def stack() -> Stack:
    return seeded_stack(seed=3, entries=40)


@pytest.fixture
def sandbox(stack: Stack) -> Sandbox:
    return Sandbox(stack)


def ask(sandbox: Sandbox, path: str, **params: str):
    headers = {name: sandbox.settings[name] for name in ("api_key", "access_token")}
    return sandbox.answer(f"/v3/{path}", params, headers)


@pytest.mark.parametrize("path", ["content_types/story/entries", "assets"])
def test_the_count_is_of_what_is_published_to_exactly_that_locale(sandbox, path):
    kind = path.split("/", maxsplit=1)[0]
    published = (
        {key[1:] for key in sandbox.stack.published_entries("story")}
        if kind == "content_types"
        else sandbox.stack.published_assets()
    )
    for locale in (*sandbox.stack.locales, "xx-xx"):
        answer = ask(sandbox, path, locale=locale, include_count="true", limit="1")
        assert answer["count"] == sum(key[1] == locale for key in published)
        assert len(answer[path.rpartition("/")[2]]) == min(1, answer["count"])


def test_an_asset_count_may_lag_behind_deletions_until_another_edit(sandbox):
    def count():
        return ask(sandbox, "assets", locale="en-us", include_count="true", limit="1")["count"]

    sandbox.behaviour = Behaviour(asset_count="lagging")
    sandbox.stack.publish_asset("x")
    before = count()
    sandbox.stack.delete_asset("x")
    assert count() == before
    sandbox.stack.publish_asset("y", locales=["fr-fr"])
    assert count() == before - 1


def test_taxonomies_and_their_terms_are_listed_page_by_page(sandbox):
    listed = ask(sandbox, "taxonomies", include_count="true")
    assert ([each["uid"] for each in listed["taxonomies"]], listed["count"]) == (["mood", "region"], 2)
    assert ask(sandbox, "taxonomies/mood")["taxonomy"]["name"] == "Mood"
    page = ask(sandbox, "taxonomies/mood/terms", skip="1", limit="1", include_count="true")
    assert ([each["uid"] for each in page["terms"]], page["count"]) == (["loud"], 3)
    term = ask(sandbox, "taxonomies/mood/terms/loud")["term"]
    assert term | {"taxonomy_uid": "mood", "parent_uid": None, "depth": 1} == term
    assert term["publish_details"]["locale"] == term["locale"] == "en-us"
    for missing in ("taxonomies/none", "taxonomies/none/terms", "taxonomies/mood/terms/none", "taxonomies/a/b"):
        with pytest.raises(Refusal):
            ask(sandbox, missing)


def test_a_stack_that_publishes_no_taxonomies_answers_with_an_error(sandbox):
    sandbox.behaviour = Behaviour(taxonomies="off")
    for path in ("taxonomies", "taxonomies/mood", "taxonomies/mood/terms"):
        with pytest.raises(Refusal) as refused:
            ask(sandbox, path)
        assert refused.value.body["error_code"] == 141


def test_a_deleted_term_vanishes_from_the_entries_without_an_event(sandbox, stack):
    stack.add_content_type({"uid": "tagged", "schema": [TEXT]})
    tags = [{"taxonomy_uid": "mood", "term_uid": "calm"}, {"taxonomy_uid": "mood", "term_uid": "odd"}]
    stack.publish_entry("tagged", "t", {"taxonomies": tags})
    position = stack.position
    first = ask(sandbox, "stacks/sync", init="true", content_type_uid="tagged")
    stack.delete_term("mood", "calm")
    assert stack.position == position
    assert stack.published_entries("tagged")["tagged", "t", "en-us"]["taxonomies"] == tags[1:]
    assert json.loads(first.encode())["items"][0]["data"]["taxonomies"] == tags
    again = json.loads(ask(sandbox, "stacks/sync", init="true", content_type_uid="tagged").encode())
    assert again["items"][0]["data"]["taxonomies"] == tags[1:]
    delta = json.loads(ask(sandbox, "stacks/sync", sync_token=again["sync_token"]).encode())
    assert delta["items"] == []
    stack.delete_taxonomy("mood")
    assert stack.published_entries("tagged")["tagged", "t", "en-us"]["taxonomies"] == []


def test_a_term_takes_those_below_it_along(stack):
    stack.add_term("mood", "very_odd", parent_uid="odd")
    stack.add_term("mood", "oddest", parent_uid="very_odd")
    stack.delete_term("mood", "odd")
    assert [term["uid"] for term in stack.taxonomies.terms_of("mood")] == ["calm", "loud"]


def test_a_deleted_language_takes_what_is_published_to_it_along_without_an_event(sandbox, stack):
    position = stack.position
    assert any(key[2] == "fr-fr" for key in stack.published_entries())
    stack.delete_locale("fr-fr")
    assert stack.position == position
    assert not any(key[-1] == "fr-fr" for key in (*stack.published_entries(), *stack.published_assets()))
    assert ask(sandbox, "assets", locale="fr-fr")["assets"] == []
    with pytest.raises(ValueError, match="en-us"):
        stack.delete_locale("en-us")


@pytest.mark.parametrize("path", ["stacks/sync", "assets", "content_types/story/entries"])
def test_a_language_that_the_stack_lacks_may_be_refused(sandbox, stack, path):
    sandbox.behaviour = Behaviour(unknown_locale="refused")
    mode = {"init": "true"} if path == "stacks/sync" else {}
    ask(sandbox, path, locale="fr-fr", **mode)
    stack.delete_locale("fr-fr")
    with pytest.raises(Refusal) as refused:
        ask(sandbox, path, locale="fr-fr", **mode)
    assert refused.value.body["errors"] == {"locale": ["is not valid."]}


def test_global_fields_are_listed_unused_ones_too(sandbox, stack):
    stack.add_global_field({"uid": "spare", "title": "Spare", "schema": [TEXT]})
    inner = {"uid": "nested", "data_type": "global_field", "reference_to": "spare"}
    stack.add_global_field({"uid": "outer", "schema": [inner]})
    listed = ask(sandbox, "global_fields", include_count="true", limit="2")
    assert ([each["uid"] for each in listed["global_fields"]], listed["count"]) == (["seo", "spare"], 3)
    whole = ask(sandbox, "global_fields/outer", include_global_field_schema="true")["global_field"]
    assert whole["schema"][0]["schema"] == [TEXT]
    assert "schema" not in ask(sandbox, "global_fields/outer")["global_field"]["schema"][0]
    stack.delete_global_field("outer")
    with pytest.raises(Refusal):
        ask(sandbox, "global_fields/outer")


def test_a_token_that_lost_its_access_reads_nothing(sandbox):
    token = json.loads(ask(sandbox, "stacks/sync", init="true", content_type_uid="sys_assets").encode())["sync_token"]
    sandbox.stack.publish_asset("x")
    sandbox.behaviour = Behaviour(access="lost")
    assert ask(sandbox, "content_types") == {"content_types": []}
    for path, mode in (
        ("content_types/story", {}),
        ("stacks/sync", {"init": "true"}),
        ("stacks/sync", {"sync_token": token}),
    ):
        with pytest.raises(Refusal) as refused:
            ask(sandbox, path, **mode)
        assert refused.value.body["error_code"] == 118
    sandbox.behaviour = Behaviour()
    delta = json.loads(ask(sandbox, "stacks/sync", sync_token=token).encode())
    assert [item["data"]["uid"] for item in delta["items"]] == ["x"]
