"""Which of several changes to a row wins, and what has to be asked about them."""

from __future__ import annotations

from itertools import permutations

import pytest

from tap_contentstack.records.changes import Change
from tap_contentstack.sync.delta import Delta
from tests.sync.hand_made import EVENING, MORNING, NOON


def change(event: str = "entry_published", at: str = NOON, version: object = 1, locale: str | None = "en-us") -> Change:
    return Change("a", locale, event, at, "page", version)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (change(at=MORNING), change(at=NOON)),
        (change(at=MORNING, version=9), change("entry_unpublished", NOON, None)),
        (change("entry_deleted"), change()),
        (change(version=1), change(version=2)),
        (change(at="no time"), change(at=MORNING)),
        (change(at="2024-05-01T12:00:00.000Z"), change(at="2024-05-01T12:00:00.001Z")),
        (change(at="2024-05-01T13:00:00+02:00"), change(at=NOON)),
        (change(version="7"), change(version=1)),
        (change(version=2), change(version=3.0)),
    ],
    ids=[
        "time",
        "time before all",
        "a row on a tie",
        "version on a tie",
        "no time",
        "milliseconds",
        "zone",
        "no number",
        "a fraction",
    ],
)
def test_changes_are_ordered_by_time_then_kind_then_version(lower, higher):
    assert lower.rank < higher.rank
    for order in ((lower, higher), (higher, lower)):
        delta = Delta()
        wins = [delta.note_change(each) for each in order]
        assert wins == ([True, True] if order[0] is lower else [True, False])


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (change("entry_unpublished", EVENING, None), change(at="")),
        (change("entry_unpublished", "", None), change(at=MORNING)),
        (change(at=EVENING, version=1), change(at="", version=2)),
    ],
    ids=["a row without a time", "a removal without a time", "rows, by their version"],
)
def test_a_change_without_a_time_is_a_tie_with_any_other(lower, higher):
    for order in ((lower, higher), (higher, lower)):
        delta = Delta()
        assert [delta.note_change(each) for each in order] == ([True, True] if order[0] is lower else [True, False])
        assert delta.questions({"en-us"})


def test_a_delete_without_a_time_may_be_newer_than_any_row():
    for at in (MORNING, ""):
        delta = Delta()
        delta.note_change(change("entry_deleted", at="", locale=None))
        delta.note_change(change(at=at))
        assert {locale for _, locale in delta.questions({"en-us", "fr-fr"})} == {"en-us", "fr-fr"}


def test_a_removal_without_a_time_keeps_its_row_in_doubt_whatever_else_comes():
    events = [
        change("entry_deleted", MORNING, None),
        change("entry_deleted", "", None),
        change(at=NOON),
        change("entry_deleted", NOON, None, locale=None),
        change("entry_deleted", "", None, locale=None),
        change(at=EVENING),
    ]
    for some in (events[:3], events[3:]):
        for order in permutations(some):
            delta = Delta()
            for each in order:
                delta.note_change(each)
            assert ("page", "en-us") in delta.questions({"en-us"})


def test_the_same_event_twice_is_written_twice_at_most():
    delta = Delta()
    assert delta.note_change(change())
    assert delta.note_change(change()) in {True, False}
    assert delta.questions({"en-us", "fr-fr"}) == {}


def test_only_a_delete_or_a_tie_raises_a_question():
    delta = Delta()
    delta.note_change(change(at=MORNING))
    delta.note_change(change("entry_unpublished", at=NOON))
    assert delta.questions({"en-us", "fr-fr"}) == {}
    delta.note_change(change("entry_deleted", at=EVENING))
    assert {locale for _, locale in delta.questions({"en-us", "fr-fr"})} == {"fr-fr"}
