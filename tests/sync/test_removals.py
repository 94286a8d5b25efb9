"""What is asked about items that a delta removes, and what follows from the answer or from none."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tap_contentstack.api.page import RawItem
from tap_contentstack.errors import (
    AccessError,
    ApiError,
    NotFoundError,
    TokenRefusedError,
)
from tests.sync.hand_made import EVENING, NOON, delta_run, item, page


@pytest.mark.parametrize(("alive", "last"), [({("a", "en-us")}, None), (set(), "deleted")])
def test_a_tie_is_settled_by_asking(alive, last):
    run = delta_run(page(item("unpublished", "a"), item("published", "a"), sync="s1"), alive=alive)
    assert run.go().rows[-1] == ("a", "en-us", last)
    assert ("page", "en-us", ["a"]) in run.feed.asked


@pytest.mark.parametrize(("alive", "last"), [({("a", "en-us")}, "again"), (set(), "deleted")])
@pytest.mark.parametrize("lacking", ["published", "unpublished"])
def test_which_of_two_events_is_newer_is_asked_if_one_has_no_time(alive, last, lacking):
    events = [
        item("unpublished", "a", at="" if lacking == "unpublished" else EVENING),
        item("published", "a", at="" if lacking == "published" else NOON, title="again"),
    ]
    for order in (events, events[::-1]):
        run = delta_run(page(*order, sync="s1"), alive=alive)
        assert run.go().rows[-1] == ("a", "en-us", last)


@pytest.mark.parametrize("named", ["en-us", None], ids=["one locale", "none"])
def test_a_delete_is_asked_about_in_all_other_locales_of_the_stream(named):
    run = delta_run(page(item("deleted", "a", named), sync="s1"), alive={("a", "de-de")}, locales=["de-de", "en-us"])
    assert run.go().rows == [("a", "en-us", "deleted")]
    expected = [("page", locale, ["a"]) for locale in ("de-de", "en-us") if locale != named]
    assert run.feed.asked[1:] == expected


def test_an_unpublish_that_names_no_locale_is_asked_about_in_all_of_them():
    run = delta_run(page(item("unpublished", "a", None), sync="s1"), alive={("a", "fr-fr")})
    assert run.go().rows == [("a", "en-us", "deleted")]
    assert run.feed.asked[1:] == [("page", locale, ["a"]) for locale in ("en-us", "fr-fr")]


def test_a_row_that_is_newer_than_the_delete_needs_no_question():
    run = delta_run(
        page(item("deleted", "a", "fr-fr", at=NOON), item("published", "a", at=EVENING, title="again"), sync="s1")
    )
    assert set(run.go().rows) == {("a", "fr-fr", "deleted"), ("a", "en-us", "again")}
    assert run.feed.asked == ["s0"]


def test_a_delete_that_nothing_places_starts_the_stream_over(caplog):
    run = delta_run(page(item("deleted", "a", None), sync="s1"), locales=[])
    run.feed.initial = [[page(sync="s2")]]
    assert run.go().log[0] == "begin"
    assert "it is not known in which locales it has rows" in caplog.text


def test_a_hundred_deletes_are_one_question_a_locale():
    deletes = [item("deleted", f"a{number}") for number in range(250)]
    run = delta_run(page(*deletes, sync="s1"))
    run.go()
    assert [(each[1], len(each[2])) for each in run.feed.asked[1:] if each != "size"] == [
        ("fr-fr", 100),
        ("fr-fr", 100),
        ("fr-fr", 50),
    ]


def test_one_delete_reloads_no_stream_however_many_locales_it_has():
    locales = [f"l{number}" for number in range(60)]
    run = delta_run(page(item("deleted", "a", "l0"), sync="s1"), items=1, locales=locales)
    run.go()
    assert run.feed.asked == ["s0", *(("page", locale, ["a"]) for locale in sorted(locales[1:]))]


def test_a_locale_that_the_stream_has_no_rows_of_costs_no_question():
    """Rows of it can only be left from a run whose state was lost, so they get their tombstone all the same."""
    run = delta_run(page(item("deleted", "a", "en-us"), sync="s1"), locales=["en-us"])
    run.known = {"it-it"}
    assert set(run.go().rows) == {("a", "en-us", "deleted"), ("a", "it-it", "deleted")}
    assert run.feed.asked == ["s0"]


@pytest.mark.parametrize(("alive", "checks"), [([("a", "fr-fr")], []), ([("a", "de-de")], ["access"])])
def test_that_no_asset_is_left_is_believed_if_the_last_list_has_one_or_another_endpoint_answers(alive, checks):
    """With the locale that the delete names, which needs no question, that is one request a locale at most."""
    deleted = RawItem("asset_deleted", NOON, "", Raw(b'{"uid":"a","locale":"en-us"}'))
    run = delta_run(page(deleted, sync="s1"), alive=set(alive), locales=["de-de", "en-us", "fr-fr"])
    run.go()
    assert run.feed.asked == ["s0", ("sys_assets", "de-de", ["a"]), ("sys_assets", "fr-fr", ["a"]), *checks]


def test_more_questions_than_a_new_pass_would_cost_are_not_asked(caplog):
    deletes = [item("deleted", f"a{number}") for number in range(250)]
    run = delta_run(page(*deletes, sync="s1"), items=200, initial=[[page(sync="s2")]])
    assert "sweep complete s2" in run.go().log
    assert run.feed.asked == ["s0", "size", "init", "s2"]
    assert (
        "so many items were deleted that a reload takes fewer requests than checking each of them: 250 items"
        in caplog.text
    )


def test_a_check_that_fails_for_good_is_settled_by_what_the_feed_lists():
    listed = page(item("published", "a", "fr-fr"), item("published", "b", "de-de"), sync="s9")
    run = delta_run(
        page(item("deleted", "a"), item("deleted", "b"), sync="s1"),
        refusal=ApiError("down"),
        initial=[[listed]],
        locales=["de-de", "en-us", "fr-fr"],
    )
    table = run.go()
    named = {(uid, "en-us", "deleted") for uid in "ab"}
    assert set(table.rows) == named | {("a", "de-de", "deleted"), ("b", "fr-fr", "deleted")}
    assert "begin" not in table.log
    assert run.bookmark.sync_token == "s1"


@pytest.mark.parametrize(
    "listed",
    [
        [page(sync="s9")],
        [page(item("published", "b", "fr-fr"), more="p"), TokenRefusedError("p")],
    ],
    ids=["nothing in the locale", "refused"],
)
def test_a_check_that_nothing_settles_starts_the_stream_over(listed):
    run = delta_run(
        page(item("deleted", "a"), sync="s1"), refusal=ApiError("down"), initial=[listed, [page(sync="s2")]]
    )
    assert "sweep complete s2" in run.go().log


LISTED = item("published", "b", "fr-fr")


@pytest.mark.parametrize(
    "second",
    [
        page(LISTED, sync="s9", total=3),
        page(LISTED, item("published", "a", "fr-fr"), sync="s9", total=3),
        page(item("published", "a", "fr-fr"), sync="s9", total=2),
    ],
    ids=["another count", "more items", "other items"],
)
def test_two_lists_that_are_not_whole_and_differ_start_the_stream_over(second):
    run = delta_run(
        page(item("deleted", "a"), sync="s1"),
        refusal=ApiError("down"),
        initial=[[page(LISTED, sync="s9", total=2)], [second], [page(sync="s2")]],
    )
    assert "sweep complete s2" in run.go().log


def test_a_count_that_is_always_wrong_does_not_start_the_stream_over_with_each_delete(caplog):
    run = delta_run(
        page(item("deleted", "a"), sync="s1"),
        refusal=ApiError("down"),
        initial=[[page(LISTED, sync="s9", total=2)], [page(LISTED, sync="s9", total=2)]],
    )
    table = run.go()
    assert ("a", "fr-fr", "deleted") in table.rows
    assert "begin" not in table.log
    assert "The API reported 2 items but listed 1, twice; continuing with these" in caplog.text


def test_a_list_that_is_whole_the_second_time_is_believed():
    whole = page(LISTED, item("published", "a", "fr-fr"), sync="s9", total=2)
    run = delta_run(
        page(item("deleted", "a"), sync="s1"),
        refusal=ApiError("down"),
        initial=[[page(LISTED, sync="s9", total=2)], [whole]],
    )
    assert ("a", "fr-fr", "deleted") not in run.go().rows


def test_a_check_that_is_refused_to_these_settings_ends_the_stream():
    run = delta_run(page(item("deleted", "a"), sync="s1"), refusal=AccessError("no"))
    with pytest.raises(AccessError):
        run.go()
    assert run.bookmark.sync_token == "s0"


def test_a_check_of_a_type_that_is_gone_finds_nothing():
    run = delta_run(page(item("deleted", "a"), sync="s1"), refusal=NotFoundError("gone"), exists=False)
    assert ("a", "fr-fr", "deleted") in run.go().rows


def test_a_check_of_a_type_that_a_list_still_has_finds_what_the_feed_lists():
    listed = page(item("published", "a", "fr-fr"), sync="s9")
    run = delta_run(page(item("deleted", "a"), sync="s1"), refusal=NotFoundError("gone"), initial=[[listed]])
    assert ("a", "fr-fr", "deleted") not in run.go().rows
