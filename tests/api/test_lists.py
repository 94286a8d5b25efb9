"""Lists are whole, or said not to be."""

from __future__ import annotations

import json
import logging
import typing as t
from types import SimpleNamespace

import pytest

from tap_contentstack.api.content_types import find_content_type
from tap_contentstack.api.lists import Lists

LOGGER = logging.getLogger("test")


def client_of(*answers: object) -> t.Any:
    """Return a client that gets these answers, one after another."""
    bodies = [json.dumps(answer).encode() for answer in answers]
    return SimpleNamespace(get=lambda _path, _params, accept: accept(bodies.pop(0)))


def page(*uids: str, count: int | None = None) -> dict[str, t.Any]:
    answer: dict[str, t.Any] = {"content_types": [{"uid": uid} for uid in uids]}
    return answer if count is None else {**answer, "count": count}


def uids(content_types: list[dict[str, t.Any]]) -> list[str]:
    return [each["uid"] for each in content_types]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page("a", count=2), page("b", count=2)], id="counted"),
        pytest.param([page("a", "b")], id="not counted"),
        pytest.param([page("a", count=3), page("a", count=3), page("b", count=2), page("a", "b", count=2)], id="moved"),
        pytest.param([page("a", count=2), page(count=2), page("a", "b", count=2)], id="short once"),
        pytest.param([page("gone", count=3), page("b", count=2), page("a", "b", count=2)], id="one gone"),
    ],
)
def test_all_content_types_are_listed_each_once(pages, caplog):
    assert uids(Lists(client_of(*pages), LOGGER).content_types()) == ["a", "b"]
    assert not caplog.records


def test_a_list_that_is_short_twice_is_told(caplog):
    pages = [page("a", count=2), page(count=2)] * 2
    assert uids(Lists(client_of(*pages), LOGGER).content_types()) == ["a"]
    assert "The API reported 2 content types but listed 1, twice" in caplog.text


def test_a_list_that_changes_twice_while_it_is_read_is_logged(caplog):
    pages = [page("gone", count=3), page("b", count=2), page("gone too", count=3), page("a", count=2)]
    assert uids(Lists(client_of(*pages), LOGGER).content_types()) == ["gone too", "a"]
    assert "The list of content types changed twice while it was read; continuing with these 2" in caplog.text


@pytest.mark.parametrize("count", [-1, True])
def test_a_count_that_is_none_cuts_no_list_short(count):
    pages = [page(*(f"t{number}" for number in range(100)), count=count), page("last", count=count)]
    assert len(Lists(client_of(*pages), LOGGER).content_types()) == 101


@pytest.mark.parametrize("count", [10**25, None])
def test_a_list_whose_pages_repeat_for_ever_ends(count):
    same = page(*(f"t{number}" for number in range(100)), count=count)
    client: t.Any = SimpleNamespace(get=lambda _path, _params, accept: accept(json.dumps(same).encode()))
    assert len(Lists(client, LOGGER).content_types()) == 100


@pytest.mark.parametrize("answer", [{}, {"content_types": None}, {"content_types": [None]}, {"content_types": [{}]}])
def test_an_answer_without_a_list_is_none(answer):
    with pytest.raises(ValueError, match="no list of content_types"):
        Lists(client_of(answer), LOGGER).content_types()


@pytest.mark.parametrize("answer", [{}, {"content_type": None}, {"content_type": {"uid": 5}}])
def test_an_answer_without_a_content_type_is_none(answer):
    with pytest.raises(ValueError, match="no content type"):
        find_content_type(client_of(answer), "a")
