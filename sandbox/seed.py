"""A small publishing site, generated from a seed."""

from __future__ import annotations

import gc
import random
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from sandbox.clock import iso, wall_clock
from sandbox.site import CONTENT_TYPES, GLOBAL_FIELDS
from sandbox.stack import Json, Stack, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
BEGIN = 1_704_096_000_000
STEP = 60_000
DAY = 86_400_000
DAYS = range(365)
ASSETS = 50
TOP_SCORE = 10
SHARES = {"story": 0.6, "event": 0.15, "author": 0.15, "topic": 0.1}
VOCABULARY = """
    harbour lantern orchard signal quarry meadow ferry copper winter market river paper window
    garden engine valley thread bridge letter morning island kettle compass granite violet
    workshop chapter shadow barley tunnel café straße naïve señal
"""
WORDS = VOCABULARY.split()
PLAIN_WORDS = WORDS[:30]
TEXT_WORDS = 5_000
PICTURES = (("image/png", "png"), ("image/jpeg", "jpg"), ("application/pdf", "pdf"))


def seeded_stack(
    seed: int = 1,
    entries: int = 300,
    locales: Sequence[str] = ("en-us", "fr-fr", "de-de"),
    clock: Callable[[], int] = wall_clock,
) -> Stack:
    """Make the stack that this seed always gives.

    Args:
        seed: Seed of everything.
        entries: Number of entries; each is published to one locale or more.
        locales: Locales of the stack, the master locale first.
        clock: Time in milliseconds, for the edits that come later.
    """
    steps = count(BEGIN, STEP if entries < DAY // STEP else 1)
    stack = Stack(locales=locales, seed=seed, clock=partial(next, steps))
    # The collector would go through the growing stack again and again, and find nothing.
    collects = gc.isenabled()
    gc.disable()
    try:
        _Writer(stack, random.Random(seed), entries).write()
    finally:
        if collects:
            gc.enable()
    stack.clock.source = clock
    return stack


class _Writer:
    """Writes the site: assets first, then the entries of each type."""

    def __init__(self, stack: Stack, chance: random.Random, entries: int) -> None:
        self.stack = stack
        self.chance = chance
        seed = stack.api_key
        self.text = chance.choices(WORDS, k=TEXT_WORDS)
        self.assets = [uid_of(seed, "asset", number) for number in range(ASSETS)]
        sizes = {uid: int(entries * share) for uid, share in SHARES.items()}
        sizes["site_settings"] = min(1, entries)
        sizes["story"] += entries - sum(sizes.values())
        self.uids = {uid: [uid_of(seed, uid, number) for number in range(size)] for uid, size in sizes.items()}

    def write(self) -> None:
        for global_field in GLOBAL_FIELDS:
            self.stack.add_global_field(global_field)
        for content_type in CONTENT_TYPES:
            self.stack.add_content_type(content_type)
        for number, uid in enumerate(self.assets):
            self.stack.publish_asset(uid, self.asset(number), self.some_locales())
        makers = {
            "author": self.author,
            "topic": self.topic,
            "story": self.story,
            "event": self.event,
            "site_settings": self.settings,
        }
        for content_type_uid, maker in makers.items():
            for number, uid in enumerate(self.uids[content_type_uid]):
                self.publish(content_type_uid, uid, maker(number))
        self.unpublish_some()
        self.taxonomies()

    def taxonomies(self) -> None:
        """Write the vocabularies that the stories are tagged from: one flat, one two levels deep."""
        self.stack.add_taxonomy("mood", "Mood", "How a story feels")
        for word in ("calm", "loud", "odd"):
            self.stack.add_term("mood", word)
        self.stack.add_taxonomy("region", "Region")
        for number, word in enumerate(PLAIN_WORDS):
            parent = PLAIN_WORDS[number - number % 5]
            self.stack.add_term("region", word, parent_uid=parent if parent != word else None)

    def publish(self, content_type_uid: str, uid: str, data: Json) -> None:
        locales = self.some_locales()
        if len(locales) > 1 and self.happens(0.2):
            self.stack.publish_entry(content_type_uid, uid, data, locales, localized_in=locales[0])
            return
        for locale in locales:
            own = {} if locale == locales[0] else {"title": f"{data['title']} ({locale})"}
            self.stack.publish_entry(content_type_uid, uid, data | own, [locale])

    def unpublish_some(self) -> None:
        """Write a little history: unpublished, deleted, and published again."""
        master = self.stack.locales[0]
        for uid in self.uids["story"][5:50:15]:
            published = self.stack.find("story", uid, master)
            self.stack.unpublish_entry("story", uid, master)
            if published is not None and self.happens(0.5):
                self.stack.publish_entry("story", uid, self.story(1), [master])
        for uid in self.uids["topic"][-1:]:
            self.stack.delete_entry("topic", uid)
        self.stack.unpublish_asset(self.assets[-1], master)

    # Values

    def some_locales(self) -> list[str]:
        locales = self.stack.locales
        size = self.pick((1, 1, 1, 2, 3))
        return list(locales[:size]) if self.happens(0.9) else [locales[-1]]

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def pick(self, values: Sequence[T]) -> T:
        """Choose one value, several times as fast as `choice`."""
        return values[int(self.chance.random() * len(values))]

    def words(self, size: int) -> str:
        start = int(self.chance.random() * (TEXT_WORDS - size))
        return " ".join(self.text[start : start + size])

    def some_words(self, size: int) -> list[str]:
        return [self.pick(WORDS) for _ in range(size)]

    def moment(self) -> str:
        return iso(BEGIN + self.pick(DAYS) * DAY)

    def link(self) -> Json:
        word = self.pick(PLAIN_WORDS)
        return {"title": word.capitalize(), "href": f"https://www.example.com/{word}"}

    def some_assets(self, size: int) -> list[str]:
        return [self.pick(self.assets) for _ in range(size)]

    def entry_uids(self, content_type_uid: str, size: int) -> list[str]:
        uids = self.uids[content_type_uid]
        return [self.pick(uids) for _ in range(size)] if uids else []

    def links(self, content_type_uid: str, size: int) -> list[Json]:
        uids = self.entry_uids(content_type_uid, size)
        return [{"uid": uid, "_content_type_uid": content_type_uid} for uid in uids]

    def rich_text(self, paragraphs: int) -> Json:
        children = [paragraph(self.words(15)) for _ in range(paragraphs)]
        children += [embedded_entry(uid) for uid in self.entry_uids("author", 1)]
        children += [embedded_asset(self.pick(self.assets))]
        return {"type": "doc", "uid": "doc", "attrs": {}, "_version": 1, "children": children}

    def seo(self) -> Json:
        return {
            "meta_title": self.words(4),
            "meta_description": self.words(12),
            "share_image": self.pick((None, *self.assets)),
            "robots": {"index": self.happens(0.9), "max_snippet": 120},
        }

    # Items

    def asset(self, number: int) -> Json:
        content_type, suffix = PICTURES[number % len(PICTURES)]
        asset: Json = {
            "filename": f"{self.pick(PLAIN_WORDS)}_{number}.{suffix}",
            "content_type": content_type,
            "file_size": str(self.chance.randrange(1_000, 4_000_000)),
            "tags": self.some_words(number % 3),
        }
        if content_type.startswith("image/"):
            asset["dimension"] = {"height": 600 + number, "width": 800 + number}
        if number % 4 == 0:
            asset |= {"description": self.words(6), "parent_uid": uid_of("folder", number % 8)}
        return asset

    def author(self, number: int) -> Json:
        author: Json = {
            "title": f"Author {number}",
            "bio": f"## {self.words(2)}\n\n* {self.words(5)}\n* {self.words(5)}",
            "portrait": self.pick(self.assets),
            "born": f"{1950 + number % 50}-05-17",
            "active": number % 7 != 0,
            "profiles": [self.link() for _ in range(number % 3)],
            "signature_colour": "#3366cc",
        }
        if last_of(10, number):
            # Saved before the type had these fields, and with one that it has no more.
            del author["active"], author["signature_colour"]
            author["nickname"] = self.words(1)
        return author

    def topic(self, number: int) -> Json:
        return {
            "title": f"Topic {number}",
            "summary": self.words(15),
            "rank": number if number % 3 else None,
            "parent": self.entry_uids("topic", number % 2),
            "related": self.entry_uids("topic", number % 4),
        }

    def story(self, number: int) -> Json:
        story: Json = {
            "title": f"{self.words(4).capitalize()} {number}",
            "url": f"/stories/{number}",
            "lead": self.words(14),
            "teaser": f"<p>{self.words(8)} <strong>{self.words(2)}</strong></p>",
            "body": self.rich_text(2),
            "authors": self.links("author", 1 + number % 2),
            "about": self.links("topic", 1) + self.links("event", number % 2),
            "cover": self.pick((None, *self.assets)),
            "gallery": self.some_assets(number % 4),
            "dated": self.moment() if number % 8 else None,
            "reading_minutes": number % 20,
            "score": round(self.chance.random() * TOP_SCORE, 2) if number % 5 else 4,
            "sponsored": self.pick((True, False, None)),
            "mood": self.pick(("calm", "loud", "odd", "", None)),
            "keywords": self.some_words(number % 5),
            "source": self.link(),
            "seo": self.seo(),
            "taxonomies": [{"taxonomy_uid": "region", "term_uid": self.pick(PLAIN_WORDS)}],
            "layout": self.pick(({"grid": [1, 2.5], "dark": True}, ["a", 1], "plain")),
            "sections": self.sections(number),
            "tags": self.some_words(number % 3),
        }
        if last_of(12, number):
            del story["seo"], story["layout"], story["taxonomies"]
            story["kicker"] = self.words(3)
        return story

    def sections(self, number: int) -> list[Json]:
        teasers = {
            "stories": self.links("story", 2),
            "style": {"columns": 2, "background": self.pick(self.assets)},
        }
        sections: list[Json] = [
            {"paragraph": {"content": self.rich_text(1), "wide": False}},
            {"picture": {"image": self.pick(self.assets), "caption": self.words(4)}},
            {"teasers": teasers | {"_metadata": {"uid": f"cs{number:016x}"}}},
            {"snippet": self.seo()},
        ]
        # The type has lost this block since.
        sections += [{"quote": {"text": self.words(9)}}] if last_of(15, number) else []
        return sections[: 1 + number % 5]

    def event(self, number: int) -> Json:
        sessions = [self.session(part) for part in range(number % 3)]
        event: Json = {
            "title": f"Event {number}",
            "starts": self.moment(),
            "free_days": [self.moment() for _ in range(number % 3)],
            "price": self.pick((0, 12, 19.5, None)),
            "seats": 50 + number,
            "row_sizes": [10, 12.5, 14][: number % 4],
            "levels": [1, 2, 3][: number % 4],
            "host": self.links("author", 1),
            "venue": {
                "name": self.words(2),
                "map": self.pick((None, *self.assets)),
                "address": {"street": self.words(2), "latitude": 48 + number / 1000},
            },
            "sessions": sessions,
            "notices": [self.seo() for _ in range(number % 2)],
        }
        if last_of(9, number):
            # Saved when the group was not multiple yet.
            event["sessions"] = self.session(0)
        return event

    def session(self, part: int) -> Json:
        return {
            "name": f"Part {part}",
            "begins": self.moment(),
            "speakers": self.links("author", 1 + part),
            "breaks": [{"label": self.words(1), "minutes": 15}] * part,
        }

    def settings(self, _: int) -> Json:
        return {
            "title": "Settings",
            "logo": self.assets[0],
            "menu": [self.link() for _ in range(3)],
            "flags": {"search": True, "limits": {"teasers": 3}},
            "front_page": self.links("story", 1),
        }


def last_of(size: int, number: int) -> bool:
    """Whether a number is the last of each so many."""
    return number % size == size - 1


def paragraph(text: str) -> Json:
    """Write a paragraph of rich text."""
    return {"type": "p", "uid": "p", "attrs": {}, "children": [{"text": text, "bold": False}]}


def embedded_entry(uid: str) -> Json:
    """Write an entry embedded in rich text."""
    attributes = {
        "type": "entry",
        "entry-uid": uid,
        "content-type-uid": "author",
        "locale": "en-us",
        "display-type": "block",
    }
    return {"type": "reference", "uid": "r1", "attrs": attributes, "children": [{"text": ""}]}


def embedded_asset(uid: str) -> Json:
    """Write an asset embedded in rich text."""
    attributes = {
        "type": "asset",
        "asset-uid": uid,
        "content-type-uid": "sys_assets",
        "display-type": "display",
    }
    return {"type": "reference", "uid": "r2", "attrs": attributes, "children": [{"text": ""}]}
