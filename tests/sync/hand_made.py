"""One stream, and a feed made by hand: it says what each of its passes brings, page by page."""

from __future__ import annotations

import contextlib
import json
import logging
import typing as t
from dataclasses import dataclass, field

from msgspec import Raw

from tap_contentstack.api.page import Page, RawItem
from tap_contentstack.events import ASSET_EVENTS, ENTRY_EVENTS
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.items import ItemReader
from tap_contentstack.records.output import PlainMessages
from tap_contentstack.schema.stream_schemas import entry_schema
from tap_contentstack.sync.bookmarks import Bookmark
from tap_contentstack.sync.brake import Brake
from tap_contentstack.sync.load import Load
from tap_contentstack.sync.passes import Passes
from tap_contentstack.sync.progress import StreamProgress
from tap_contentstack.sync.removals import Removals
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
        self.log.append(f"checkpoint {self.bookmark.pagination_token} {self.bookmark.items_seen}")

    def complete(self) -> None:
        self.log.append(f"{'sweep ' if self._swept else ''}complete {self.bookmark.sync_token}")
        self._swept = False

    def write_loads_row(self, published: t.Mapping[str, int] | None = None) -> None:
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
    has_all_time: bool = False
    counted: list[dict[str, int] | None] | None = None

    def __post_init__(self) -> None:
        self.table = NotedTable(self.bookmark)
        self.asked_whether_gone: list[str] = []

    def go(self) -> NotedTable:
        reader = ItemReader(
            codec=Codec(entry_schema(PAGE_TYPE), columns=None, selected=None, combined=False),
            output=PlainMessages(),
            events=[*ENTRY_EVENTS, *ASSET_EVENTS],
            content_type_uid="page",
            covers=lambda _: True,
            locales=(),
            feed_locale=None,
            logger=LOGGER,
        )
        feed = t.cast("t.Any", self.feed)

        def is_gone(uid: str) -> bool:
            self.asked_whether_gone.append(uid)
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
            Removals(
                feed=feed,
                reader=reader,
                lister=lambda: reader,
                is_gone=is_gone,
                check_access=lambda: self.feed.asked.append("access"),
            ),
            is_gone=is_gone,
            known_locales=lambda: self.known | set(self.bookmark.locales),
            has_all_time=self.has_all_time,
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
