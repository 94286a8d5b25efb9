"""Initial passes and deltas of one stream, with feeds made by hand: each says what it brings, page by page."""

from __future__ import annotations

import contextlib
import json
import logging
import typing as t
from dataclasses import dataclass, field

import pytest
from msgspec import Raw

from tap_contentstack.api.page import Page, RawItem
from tap_contentstack.errors import (
    AccessError,
    ApiError,
    NotFoundError,
    TapError,
    TimeIsUpError,
    TokenRefusedError,
)
from tap_contentstack.events import ENTRY_EVENTS
from tap_contentstack.records.changes import Change
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.items import ItemReader
from tap_contentstack.records.output import PlainMessages
from tap_contentstack.schema.stream_schemas import entry_schema
from tap_contentstack.sync import passes as passes_module
from tap_contentstack.sync.bookmarks import Bookmark
from tap_contentstack.sync.brake import Brake
from tap_contentstack.sync.delta import Delta
from tap_contentstack.sync.load import Load
from tap_contentstack.sync.passes import Passes
from tap_contentstack.sync.progress import StreamProgress
from tap_contentstack.sync.removals import Removals
from tap_contentstack.sync.state import State
from tap_contentstack.sync.turns import ContentTypeGoneError, PostponedError
from tap_contentstack.values.clock import Clock

LOGGER = logging.getLogger("test")
PAGE_TYPE = {"uid": "page", "schema": [{"uid": "title", "data_type": "text"}]}
MORNING, NOON, EVENING = (f"2024-05-01T{hour}:00:00.000Z" for hour in ("08", "12", "18"))


def item(event: str, uid: str, locale: str | None = "en-us", at: str = NOON, **data: object) -> RawItem:
    """Make an item: `published`, `unpublished` or `deleted`, or the deletion of the content type."""
    details = {"publish_details": {"locale": locale}} if event == "published" else {}
    data = {"uid": uid, **({"locale": locale} if locale else {}), **details, **data}
    kind = event if event == "content_type_deleted" else f"entry_{event}"
    return RawItem(type=kind, event_at=at, content_type_uid="page", data=Raw(json.dumps(data).encode()))


def page(*items: RawItem, total: int | None = None, more: str | None = None, sync: str | None = None) -> Page:
    return Page(list(items), total_count=total, pagination_token=more, sync_token=sync)


NOTHING = [page(sync="s1")]


@dataclass
class HandMadeFeed:
    """Brings the pages that it is given; an exception in place of a page is raised."""

    initial: list[list[t.Any]] = field(default_factory=list)
    resumed: list[list[t.Any]] = field(default_factory=list)
    deltas: list[list[t.Any]] = field(default_factory=list)
    alive: set[tuple[str, str]] = field(default_factory=set)
    asked: list[t.Any] = field(default_factory=list)
    items: int | None = 10_000
    refusal: Exception | None = None

    def initial_pass(self) -> t.Iterator[Page]:
        self.asked.append("init")
        return self._pages(self.initial)

    def resumed_pass(self, token: str, _seen: int) -> t.Iterator[Page]:
        self.asked.append(token)
        return self._pages(self.resumed)

    def delta(self, token: str) -> t.Iterator[Page]:
        self.asked.append(token)
        return self._pages(self.deltas) if self.deltas else iter([page(sync=token)])

    def _pages(self, passes: list[list[t.Any]]) -> t.Iterator[Page]:
        for each in passes.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each

    def size(self) -> int | None:
        self.asked.append("size")
        return self.items

    def still_published(self, content_type_uid: str | None, locale: str, uids: t.Iterable[str]) -> set[str]:
        uids = list(uids)
        self.asked.append((content_type_uid, locale, uids))
        if self.refusal:
            raise self.refusal
        return {uid for uid in uids if (uid, locale) in self.alive}


@dataclass
class NotedTable:
    """Notes what is done to the table."""

    bookmark: Bookmark
    log: list[t.Any] = field(default_factory=list)
    holds_back: bool = False
    _swept: bool = False

    def begin(self) -> None:
        self.bookmark.start_over((self.bookmark.version or 0) + 1, "scope")
        self.log.append("begin")

    def write(self, messages: t.Iterable[t.Any]) -> None:
        self.log += [
            (each["uid"], each["_publish_locale"], "deleted" if each["_sdc_deleted_at"] else each.get("title"))
            for each in messages
        ]

    def finish(self) -> None:
        if self.holds_back:
            self.holds_back = False
            self.log.append("finish")

    def sweep(self) -> None:
        self._swept = True

    def save(self) -> None:
        bookmark = self.bookmark
        if bookmark.sync_token is None:
            self.log.append(f"checkpoint {bookmark.pagination_token} {bookmark.items_seen}")
        else:
            self.log.append(f"{'sweep ' if self._swept else ''}complete {bookmark.sync_token}")
        self._swept = False

    def tell(self, published: t.Mapping[str, int] | None = None) -> None:
        self.log.append(f"published {published}")

    def wait_for_version(self) -> None:
        pass

    @property
    def rows(self) -> list[t.Any]:
        return [each for each in self.log if isinstance(each, tuple)]


@dataclass
class Run:
    """One stream and what is around it."""

    feed: HandMadeFeed
    bookmark: Bookmark = field(default_factory=lambda: Bookmark(version=1, scope="scope"))
    exists: bool = True
    known: set[str] = field(default_factory=set)
    limit: int | None = None
    brake: Brake = field(default_factory=Brake)
    has_whole_box: bool = False
    counted: list[dict[str, int] | None] | None = None

    def __post_init__(self) -> None:
        self.table = NotedTable(self.bookmark)

    def go(self) -> NotedTable:
        reader = ItemReader(
            codec=Codec(entry_schema(PAGE_TYPE), columns=None, selected=None, combined=False),
            output=PlainMessages(),
            events=ENTRY_EVENTS,
            content_type_uid="page",
            covers=lambda _: True,
            locales=(),
            feed_locale=None,
            logger=LOGGER,
        )
        feed = t.cast("t.Any", self.feed)

        def is_gone(_: str) -> bool:
            return not self.exists

        load = Load(
            feed=feed,
            reader=reader,
            table=self.table,
            lock=contextlib.nullcontext(),
            bookmark=self.bookmark,
            brake=self.brake,
            clock=Clock(),
            progress=StreamProgress("entries_page", Clock()),
            logger=LOGGER,
            record_limit=self.limit,
        )
        Passes(
            load,
            Removals(feed=feed, reader=reader, is_gone=is_gone),
            is_gone=is_gone,
            known_locales=lambda: self.known | set(self.bookmark.locales),
            has_whole_box=self.has_whole_box,
            counts=t.cast("t.Any", self) if self.counted is not None else None,
        ).run()
        return self.table

    def published(self, locales: t.Iterable[str]) -> dict[str, int] | None:
        """Count what is published, in place of the API."""
        self.feed.asked.append(f"count {', '.join(locales)}")
        return (self.counted or [None]).pop(0)


def delta_run(*pages: t.Any, **more: t.Any) -> Run:
    """Return a run that has a sync token, and whose delta brings these pages."""
    locales = more.pop("locales", ["en-us", "fr-fr"])
    exists = more.pop("exists", True)
    bookmark = Bookmark(sync_token="s0", version=1, scope="scope", locales=locales)
    return Run(HandMadeFeed(deltas=[list(pages)], **more), bookmark, exists)


# Initial passes


def test_an_initial_pass_keeps_a_checkpoint_a_page_and_its_token_after_the_sweep():
    feed = HandMadeFeed(
        initial=[
            [
                page(item("published", "a", title="A"), total=2, more="p1"),
                page(item("published", "b", title="B"), total=2, sync="s1"),
            ]
        ]
    )
    table = Run(feed).go()
    assert table.log == [
        ("a", "en-us", "A"),
        "checkpoint p1 1",
        ("b", "en-us", "B"),
        "sweep complete s1",
        "complete s1",
    ]
    assert feed.asked == ["init", "s1"]


def test_history_in_an_initial_pass_makes_no_records_but_counts():
    feed = HandMadeFeed(
        initial=[[page(item("deleted", "a"), item("published", "b"), item("unpublished", "b"), total=3, sync="s1")]]
    )
    assert Run(feed).go().rows == [("b", "en-us", None)]


def test_a_resumed_pass_goes_on_counting_from_its_checkpoint():
    feed = HandMadeFeed(resumed=[[page(item("published", "b"), total=3, sync="s1")]])
    run = Run(feed, Bookmark(pagination_token="p1", items_seen=2, version=1, scope="scope"))
    assert "begin" not in run.go().log
    assert feed.asked == ["p1", "s1"]


def test_a_count_that_does_not_fit_starts_over_once_and_then_goes_on(caplog):
    short = [page(item("published", "a"), total=2, sync="s1")]
    table = Run(HandMadeFeed(initial=[short, short])).go()
    assert table.log == ["begin", ("a", "en-us", None), "sweep complete s1", "complete s1"]
    assert "its pages did not hold as many items as the API counts: 1 instead of 2" in caplog.text
    assert "counts 2 items and gave 1, twice" in caplog.text


def test_a_count_that_only_the_first_page_has_is_compared_all_the_same(caplog):
    short = [page(item("published", "a"), total=3, more="p1"), page(item("published", "b"), sync="s1")]
    whole = [page(item("published", "a"), total=2, more="p1"), page(item("published", "b"), sync="s1")]
    Run(HandMadeFeed(initial=[short, whole])).go()
    assert "its pages did not hold as many items as the API counts: 2 instead of 3" in caplog.text


def test_a_refused_pagination_token_starts_over_once():
    feed = HandMadeFeed(resumed=[[TokenRefusedError("no")]], initial=[[page(item("published", "a"), sync="s1")]])
    table = Run(feed, Bookmark(pagination_token="p1", version=1, scope="scope")).go()
    assert table.log[0] == "begin"
    assert feed.asked == ["p1", "init", "s1"]


def test_tokens_that_are_refused_again_and_again_end_the_stream():
    refused = [page(item("published", "a"), more="p1"), TokenRefusedError("no")]
    feed = HandMadeFeed(initial=[list(refused), list(refused), list(refused)])
    with pytest.raises(TapError, match="restarted and came to the same point again"):
        Run(feed).go()
    assert feed.asked == ["init", "init"]


def test_edits_made_meanwhile_are_followed_until_a_delta_is_empty():
    feed = HandMadeFeed(
        initial=[[page(item("published", "a", title="old"), sync="s1")]],
        deltas=[[page(item("published", "a", title="new"), total=1, sync="s2")], [page(sync="s2")]],
    )
    table = Run(feed).go()
    assert feed.asked == ["init", "s1", "s2"]
    assert table.log[-3:] == [("a", "en-us", "new"), "complete s2", "complete s2"]


def test_a_stack_that_never_rests_is_left_to_the_next_run():
    busy = [[page(item("published", "a"), sync=f"s{number}")] for number in range(2, 50)]
    feed = HandMadeFeed(initial=[[page(sync="s1")]], deltas=busy)
    Run(feed).go()
    assert len(feed.asked) == 1 + passes_module.FOLLOW_ROUNDS


def test_a_connection_test_reads_one_page_and_moves_nothing():
    feed = HandMadeFeed(initial=[[page(item("published", "a"), item("published", "b"), more="p1"), AssertionError()]])
    run = Run(feed, limit=1)
    assert run.go().log == [("a", "en-us", None)]
    assert run.bookmark.sync_token is run.bookmark.pagination_token is None


# Deltas


@pytest.mark.parametrize("turned", [False, True], ids=["newest first", "oldest first"])
def test_of_a_key_the_newest_event_is_what_stays(turned):
    items = [
        item("published", "a", at=EVENING, title="last"),
        item("unpublished", "a", at=NOON),
        item("published", "a", at=MORNING, title="first"),
    ]
    table = delta_run(page(*(items[::-1] if turned else items), total=3, sync="s1")).go()
    assert table.rows[-1] == ("a", "en-us", "last")
    assert len(table.rows) == (3 if turned else 1)


def test_an_older_row_does_not_come_back_after_its_tombstone():
    run = delta_run(
        page(item("unpublished", "a", at=EVENING), more="p1"), page(item("published", "a", at=NOON), sync="s1")
    )
    assert run.go().rows == [("a", "en-us", "deleted")]


@pytest.mark.parametrize(("alive", "last"), [({("a", "en-us")}, None), (set(), "deleted")])
def test_a_tie_is_settled_by_asking(alive, last):
    run = delta_run(page(item("unpublished", "a"), item("published", "a"), sync="s1"), alive=alive)
    assert run.go().rows[-1] == ("a", "en-us", last)
    assert ("page", "en-us", ["a"]) in run.feed.asked


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
    assert "nothing tells in which locales it has rows" in caplog.text


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


def test_more_questions_than_a_new_pass_would_cost_are_not_asked(caplog):
    deletes = [item("deleted", f"a{number}") for number in range(250)]
    run = delta_run(page(*deletes, sync="s1"), items=200, initial=[[page(sync="s2")]])
    assert "sweep complete s2" in run.go().log
    assert run.feed.asked == ["s0", "size", "init", "s2"]
    assert "so many items were deleted that this is quicker: 250 items" in caplog.text


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
        [page(item("published", "b", "fr-fr"), sync="s9", total=2)],
        [page(item("published", "b", "fr-fr"), more="p"), TokenRefusedError("p")],
    ],
    ids=["nothing in the locale", "another number", "refused"],
)
def test_a_check_that_nothing_settles_starts_the_stream_over(listed):
    run = delta_run(
        page(item("deleted", "a"), sync="s1"), refusal=ApiError("down"), initial=[listed, [page(sync="s2")]]
    )
    assert "sweep complete s2" in run.go().log


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


def test_the_bookmark_moves_only_when_the_delta_is_complete():
    run = delta_run(page(item("published", "a"), more="p1"), ApiError("down"))
    with pytest.raises(ApiError):
        run.go()
    assert run.table.log == [("a", "en-us", None)]
    assert run.bookmark.sync_token == "s0"
    assert run.bookmark.pagination_token is None


def test_a_refused_page_reads_the_delta_again_before_it_starts_over():
    broken = [page(item("published", "a", title="A"), more="p1"), TokenRefusedError("no")]
    run = delta_run()
    run.feed.deltas = [broken, [page(item("published", "a", title="A"), sync="s1")]]
    table = run.go()
    assert "begin" not in table.log
    assert run.feed.asked == ["s0", "s0"]
    run = delta_run(initial=[[page(sync="s2")]])
    run.feed.deltas = [list(broken), list(broken)]
    assert "begin" in run.go().log


def test_a_refused_sync_token_starts_over_at_once():
    run = delta_run(TokenRefusedError("no"), initial=[[page(item("published", "a"), sync="s9")]])
    assert run.go().log == ["begin", ("a", "en-us", None), "sweep complete s9", "complete s9"]


def test_a_delta_whose_count_does_not_fit_is_read_again_once(caplog):
    short = [page(item("published", "a"), total=2, sync="s1")]
    run = delta_run()
    run.feed.deltas = [list(short), list(short)]
    assert run.go().log[-1] == "complete s1"
    assert run.feed.asked == ["s0", "s0"]
    assert "counts 2 changes and gave 1, twice" in caplog.text


def test_a_delta_that_was_refused_and_then_short_is_read_until_it_is_whole():
    refused = [page(item("published", "a"), more="p1"), TokenRefusedError("no")]
    short = [page(item("published", "a"), total=2, sync="s1")]
    whole = [page(item("published", "a"), item("unpublished", "b"), total=2, sync="s1")]
    run = delta_run()
    run.feed.deltas = [refused, short, whole]
    assert set(run.go().rows) == {("a", "en-us", None), ("b", "en-us", "deleted")}
    assert run.feed.asked == ["s0", "s0", "s0"]


def test_a_deleted_content_type_ends_the_stream_or_starts_it_over():
    run = delta_run(page(item("content_type_deleted", ""), sync="s1"), exists=False)
    with pytest.raises(ContentTypeGoneError):
        run.go()
    run = delta_run(page(item("content_type_deleted", ""), sync="s1"), initial=[[page(sync="s2")]])
    assert run.go().log == ["begin", "sweep complete s2", "complete s2"]


def test_a_second_deletion_of_the_content_type_is_left_to_the_next_run():
    again = [page(item("content_type_deleted", ""), sync="s3")]
    run = delta_run(page(item("content_type_deleted", ""), sync="s1"), initial=[[page(sync="s2")]])
    run.feed.deltas.append(again)
    run.go()
    assert run.bookmark.sync_token == "s2"


def test_a_type_that_is_not_found_ends_the_stream_only_if_it_is_gone():
    for exists, error in ((False, ContentTypeGoneError), (True, NotFoundError)):
        with pytest.raises(error):
            delta_run(NotFoundError("118"), exists=exists).go()


def test_locales_that_a_delta_brings_are_remembered():
    run = delta_run(page(item("published", "a", "de-de"), sync="s1"), locales=["en-us"])
    run.go()
    assert run.bookmark.locales == ["de-de", "en-us"]


# Ranks


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
        wins = [delta.wins(each) for each in order]
        assert wins == ([True, True] if order[0] is lower else [True, False])


def test_the_same_event_twice_is_written_twice_at_most():
    delta = Delta()
    assert delta.wins(change())
    assert delta.wins(change()) in {True, False}
    assert delta.questions({"en-us", "fr-fr"}) == {}


def test_only_a_delete_or_a_tie_raises_a_question():
    delta = Delta()
    delta.wins(change(at=MORNING))
    delta.wins(change("entry_unpublished", at=NOON))
    assert delta.questions({"en-us", "fr-fr"}) == {}
    delta.wins(change("entry_deleted", at=EVENING))
    assert {locale for _, locale in delta.questions({"en-us", "fr-fr"})} == {"fr-fr"}


class StoppedClock(Clock):
    """Stands still, and notes what is slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def time(self) -> float:
        return 100.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


# What must not recur


def test_a_count_that_changes_between_pages_restarts_the_pass_once():
    shifted = [page(item("published", "a"), total=3, more="p1"), page(item("published", "b"), total=2, sync="s1")]
    feed = HandMadeFeed(initial=[shifted, [page(item("published", "a"), item("published", "c"), total=2, sync="s2")]])
    table = Run(feed).go()
    assert table.log.count("begin") == 1
    assert "sweep complete s2" in table.log


def test_a_count_that_changed_before_a_resume_restarts_the_pass_too():
    bookmark = Bookmark(pagination_token="p1", items_seen=1, items_total=3, version=1, scope="scope")
    feed = HandMadeFeed(
        resumed=[[page(item("published", "b"), total=2, sync="s1")]],
        initial=[[page(item("published", "b"), item("published", "c"), total=2, sync="s2")]],
    )
    assert Run(feed, bookmark).go().log[0] == "begin"
    assert bookmark.restarts == []


def test_a_pass_restarts_for_a_reason_once_over_all_runs(caplog):
    bookmark = Bookmark(
        pagination_token="p1", items_seen=1, items_total=3, restarts=["COUNT"], version=1, scope="scope"
    )
    feed = HandMadeFeed(resumed=[[page(item("published", "b"), total=3, sync="s1")]])
    assert "begin" not in Run(feed, bookmark).go().log
    assert "counts 3 items and gave 2, twice" in caplog.text
    assert bookmark.restarts == []


def test_a_token_that_is_refused_again_in_a_later_run_is_an_error_and_the_next_run_begins_afresh():
    bookmark = Bookmark(pagination_token="p1", items_seen=1, restarts=["TOKEN"], version=1, scope="scope")
    feed = HandMadeFeed(resumed=[[TokenRefusedError("no")]])
    with pytest.raises(TapError, match="came to the same point again"):
        Run(feed, bookmark).go()
    assert (bookmark.pagination_token, bookmark.restarts) == (None, [])


def test_a_delta_whose_count_changes_is_read_again():
    shifted = [page(item("published", "a"), total=2, more="p1"), page(item("published", "b"), total=1, sync="s1")]
    whole = [page(item("published", "a"), item("published", "b"), total=2, sync="s2")]
    run = delta_run()
    run.feed.deltas = [shifted, whole]
    assert run.go().log[-1] == "complete s2"


def test_a_pass_that_lists_nothing_waits_with_its_sweep_while_the_brake_holds():
    run = Run(HandMadeFeed(initial=[[page(total=0, sync="s1")]]))
    run.brake.pull()
    with pytest.raises(PostponedError):
        run.go()
    assert run.bookmark.sync_token is None


def test_a_delta_of_a_stream_with_rows_releases_the_brake():
    run = delta_run(page(sync="s0"))
    run.brake.pull()
    run.go()
    assert not run.brake.holds


def test_a_version_is_waited_for_only_if_it_is_near():
    clock = StoppedClock()
    state = State({}, lambda _: None, LOGGER, started=99.0, clock=clock)
    for version in (99, 101, 1000, None):
        state.wait_for(version)
    assert clock.slept == [1.0]


# The time limit

TIME_IS_UP = TimeIsUpError("over")


def test_an_initial_pass_that_is_cut_short_stays_at_its_last_page():
    run = Run(HandMadeFeed(initial=[[page(item("published", "a"), total=2, more="p1"), TIME_IS_UP]]))
    with pytest.raises(TimeIsUpError):
        run.go()
    assert (run.bookmark.pagination_token, run.bookmark.items_seen) == ("p1", 1)
    assert run.bookmark.served_at
    assert "begin" not in run.table.log


def test_records_that_are_held_back_go_out_with_their_checkpoint():
    run = Run(HandMadeFeed(initial=[[page(item("published", "a"), total=2, more="p1"), TIME_IS_UP]]))
    run.table.holds_back = True
    with pytest.raises(TimeIsUpError):
        run.go()
    assert run.table.log == [("a", "en-us", None), "finish", "checkpoint p1 1"]


def test_a_delta_that_a_whole_box_was_not_enough_for_becomes_an_initial_pass(caplog):
    run = delta_run(page(item("published", "a"), more="p1"), TIME_IS_UP)
    run.has_whole_box = True
    with pytest.raises(TimeIsUpError):
        run.go()
    assert run.table.log == [("a", "en-us", None), "begin"]
    assert "a whole time limit was not enough" in caplog.text


@pytest.mark.parametrize("pages", [[page(item("published", "a"), more="p1"), TIME_IS_UP], [TIME_IS_UP]])
def test_a_delta_that_began_late_or_not_at_all_begins_again_in_the_next_run(pages):
    run = delta_run(*pages)
    run.has_whole_box = len(pages) == 1
    with pytest.raises(TimeIsUpError):
        run.go()
    assert "begin" not in run.table.log
    assert (run.bookmark.sync_token, run.bookmark.served_at) == ("s0", None)


def test_a_delta_after_the_initial_pass_may_be_cut_short_without_a_restart():
    feed = HandMadeFeed(
        initial=[[page(item("published", "a"), sync="s1")]],
        deltas=[[page(item("published", "b"), more="p1"), TIME_IS_UP]],
    )
    run = Run(feed, has_whole_box=True)
    with pytest.raises(TimeIsUpError):
        run.go()
    assert "begin" not in run.table.log
    assert run.bookmark.sync_token == "s1"


# Counts


def test_a_count_stands_if_following_the_token_brings_nothing():
    run = delta_run(page(sync="s1"))
    run.counted = [{"en-us": 2}]
    assert run.go().log == ["complete s1", "complete s1", "published {'en-us': 2}"]
    assert run.feed.asked == ["s0", "count en-us, fr-fr", "s1"]


def test_items_that_are_edited_while_they_are_counted_are_counted_again():
    run = delta_run(page(sync="s1"))
    run.feed.deltas.append([page(item("published", "a"), sync="s2")])
    run.counted = [{"en-us": 2}, {"en-us": 3}]
    log = run.go().log
    assert [each for each in log if "published" in each] == ["published {'en-us': 3}"]
    assert run.feed.asked == ["s0", "count en-us, fr-fr", "s1", "count en-us, fr-fr", "s2"]


def test_items_that_are_edited_all_the_time_are_not_counted(caplog):
    caplog.set_level(logging.INFO)
    run = delta_run(page(sync="s1"))
    run.feed.deltas += [[page(item("published", "a"), sync=f"s{number}")] for number in (2, 3)]
    run.counted = [{"en-us": 2}, {"en-us": 3}]
    log = run.go().log
    assert not [each for each in log if "published" in each]
    assert "edited again and again" in caplog.text


def test_a_count_that_the_time_is_not_enough_for_leaves_the_stream_complete():
    run = delta_run(page(sync="s1"))
    run.feed.deltas.append([TIME_IS_UP])
    run.counted = [{"en-us": 2}]
    assert run.go().log == ["complete s1"]
