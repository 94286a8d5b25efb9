"""Where page tokens lead, and how pages shift when they are not pinned."""

from __future__ import annotations

import json

import pytest

from sandbox import Behaviour, Sandbox, Stack


@pytest.fixture
def sandbox() -> Sandbox:
    stack = Stack()
    stack.add_content_type({"uid": "p", "schema": []})
    for uid in "abcdef":
        stack.publish_entry("p", uid, {})
    return Sandbox(stack, page_size=2)


def ask(sandbox: Sandbox, **params: str):
    headers = {name: sandbox.settings[name] for name in ("api_key", "access_token")}
    return json.loads(sandbox.answer("/v3/stacks/sync", params, headers).encode())


def uids(page) -> list[str]:
    return [item["data"]["uid"] for item in page["items"]]


@pytest.mark.parametrize(("tokens", "length"), [("circle", 2), ("long_circle", 3)])
@pytest.mark.parametrize("mode", ["init", "sync_token"])
def test_page_tokens_may_go_in_circles(sandbox, tokens, length, mode):
    token = "true"
    if mode == "sync_token":
        page = ask(sandbox, init="true")
        while "sync_token" not in page:
            page = ask(sandbox, pagination_token=page["pagination_token"])
        token = page["sync_token"]
        sandbox.stack.publish_entry("p", "a", {})
    sandbox.behaviour = Behaviour(page_tokens=tokens)
    page = ask(sandbox, **{mode: token})
    seen = []
    for _ in range(2 * length):
        seen.append(page["pagination_token"])
        page = ask(sandbox, pagination_token=seen[-1])
    assert len(set(seen)) == length
    assert seen[:length] == seen[length:]


def test_page_tokens_may_lead_to_empty_pages_for_ever(sandbox):
    sandbox.behaviour = Behaviour(page_tokens="endless")
    pages = [ask(sandbox, init="true")]
    for _ in range(20):
        pages.append(ask(sandbox, pagination_token=pages[-1]["pagination_token"]))
    assert [uids(page) for page in pages[:5]] == [["f", "e"], ["d", "c"], ["b", "a"], [], []]
    assert len({page["pagination_token"] for page in pages}) == len(pages)
    assert {page["total_count"] for page in pages} == {6}


def test_an_edit_shifts_pages_that_are_cut_from_what_is_published_now(sandbox):
    sandbox.behaviour = Behaviour(pages="shifted")
    first = ask(sandbox, init="true")
    sandbox.stack.unpublish_entry("p", "f", "en-us")
    second = ask(sandbox, pagination_token=first["pagination_token"])
    assert (uids(first), uids(second)) == (["f", "e"], ["c", "b"])
    assert (first["total_count"], second["total_count"]) == (6, 5)
    third = ask(sandbox, pagination_token=second["pagination_token"])
    assert uids(third) == ["a"]
    delta = ask(sandbox, sync_token=third["sync_token"])
    assert [item["type"] for item in delta["items"]] == ["entry_unpublished"]


def test_the_last_page_may_become_one_before_the_last_and_the_other_way_round(sandbox):
    sandbox.behaviour = Behaviour(pages="shifted")
    page = ask(sandbox, init="true")
    page = ask(sandbox, pagination_token=page["pagination_token"])
    token = page["pagination_token"]
    assert "sync_token" in ask(sandbox, pagination_token=token)
    sandbox.stack.publish_entry("p", "g", {})
    assert "pagination_token" in ask(sandbox, pagination_token=token)
    for uid in "abcg":
        sandbox.stack.delete_entry("p", uid)
    assert "sync_token" in ask(sandbox, pagination_token=token)


def test_total_count_may_be_off_by_one_in_each_pass(sandbox):
    sandbox.behaviour = Behaviour(total_count="wrong")
    assert [ask(sandbox, init="true")["total_count"] for _ in range(3)] == [7, 7, 7]
