"""The stack of a history: a few items that are edited again and again, so that everything happens to the same ones."""

from __future__ import annotations

import copy
import typing as t

from sandbox import Sandbox, Stack
from sandbox.event import SYS_ASSETS
from tests.model.clock import Clock

if t.TYPE_CHECKING:
    import random

Json: t.TypeAlias = dict[str, t.Any]
Values: t.TypeAlias = tuple[t.Any, ...]

LOCALES = ("en-us", "fr-fr", "de-de")
TYPES = ("blog", "Page-Old", "tag")
ENTRIES_PER_TYPE = 4
TAGGED = 0.3
"""Share of the published entries that a taxonomy's term is attached to."""
ASSETS = ("a0", "a1", "a2")
TERMS = ("calm", "loud", "odd")

TEXTS: Values = ("", "x", "Zoë ☃", "line\nbreak", "a\0b", "half \ud800", '"quoted"', 7, None, ["a"], {"k": 1})
NUMBERS: Values = (0, 1, 2.5, -3, 10**6, "12", "", None, True, [1], 1.0, 2**53 + 1)
BOOLEANS: Values = (True, False, None, "yes", 1)
DATES: Values = (
    "2024-02-03T04:05:06.000Z",
    "2024-02-03T04:05:06+02:00",
    "2024-02-03",
    "",
    None,
    "2024-13-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    5,
)
LISTS: Values = ([], ["a"], ["a", "b"], "bare", None, [1, "a"], [None], {"0": "a"})
OBJECTS: Values = (
    {},
    {"text": "t", "count": 1},
    {"text": 5, "unknown": [1, {"deep": None}]},
    None,
    [],
    [{"text": "several"}],
    "no group",
    {"text": None, "count": 1.5},
)
REFERENCES: Values = (
    [],
    ["e1"],
    ["e1", "e2"],
    [{"uid": "e1", "_content_type_uid": "tag"}],
    [{"uid": "e1", "_content_type_uid": "tag"}, "e2"],
    None,
    "e1",
    [5],
)
FILES: Values = ("a0", "", None, {"uid": "a0", "url": "u"}, ["a0"])
JSONS: Values = ({"type": "doc", "children": [{"text": "x"}]}, None, [], 5, "text", {})
BLOCKS: Values = ([], [{"quote": {"text": "q"}}], [{"gone": {"x": 1}}], None, {"quote": {"text": "q"}}, [5])
ANYTHING: Values = (1, "1", None, [], {}, [{"a": 1}], True, "2024-02-03T04:05:06Z", 1.5)


def a_field(uid: str, data_type: str, **more: t.Any) -> Json:
    return {
        "uid": uid,
        "data_type": data_type,
        "display_name": uid,
        "mandatory": False,
        "multiple": False,
        "field_metadata": {},
        **more,
    }


GROUP_FIELDS = [a_field("text", "text"), a_field("count", "number")]
FIELDS: dict[str, tuple[Json, ...]] = {
    "body": (a_field("body", "text"), a_field("body", "text", multiple=True), a_field("body", "json")),
    "price": (a_field("price", "number"), a_field("price", "text"), a_field("price", "isodate")),
    "live": (a_field("live", "boolean"), a_field("live", "number")),
    "held_on": (a_field("held_on", "isodate"), a_field("held_on", "text")),
    "labels": (a_field("labels", "text", multiple=True), a_field("labels", "text")),
    "box": (
        a_field("box", "group", schema=GROUP_FIELDS),
        a_field("box", "group", schema=GROUP_FIELDS, multiple=True),
        a_field("box", "global_field", reference_to="seo"),
    ),
    "see": (
        a_field("see", "reference", reference_to=["tag"]),
        a_field("see", "reference", reference_to="tag"),
    ),
    "cover": (a_field("cover", "file"), a_field("cover", "file", multiple=True)),
    "parts": (
        a_field("parts", "blocks", multiple=True, blocks=[{"uid": "quote", "title": "Quote", "schema": GROUP_FIELDS}]),
    ),
}
VALUES: dict[str, Values] = {
    "body": (*TEXTS, *JSONS),
    "price": NUMBERS,
    "live": BOOLEANS,
    "held_on": DATES,
    "labels": LISTS,
    "box": OBJECTS,
    "see": REFERENCES,
    "cover": FILES,
    "parts": BLOCKS,
    "unknown": ANYTHING,
}


class World:
    """A stack, the API in front of it, and the time."""

    def __init__(
        self,
        chance: random.Random,
        *,
        locales: int,
        types: int,
        page_size: int,
        clock: Clock | None = None,
        retyping: bool = True,
    ) -> None:
        """Make a stack with so many locales and content types.

        Args:
            chance: Decides what is in it.
            locales: How many locales it has.
            types: How many content types it has.
            page_size: Items on a page of its feed.
            clock: The time.
            retyping: Whether a field may come to be of another type.
        """
        self.clock = clock or Clock()
        self._retyping = retyping
        self.stack = Stack(locales=LOCALES[:locales], seed=1, clock=self.clock.milliseconds)
        self.sandbox = Sandbox(self.stack, page_size=page_size, now=self.clock.time)
        self.edits = 0
        self._versions: dict[str, int] = {}
        self.stack.add_global_field({"uid": "seo", "schema": copy.deepcopy(GROUP_FIELDS)})
        self.stack.add_taxonomy("mood")
        for term in TERMS:
            self.stack.add_term("mood", term)
        for uid in TYPES[:types]:
            self.create_type(uid, chance)
        for _ in range(chance.choice((0, 4, 8, 12, 16))):
            self.edit(chance, types=False)

    @property
    def config(self) -> Json:
        return dict(self.sandbox.settings)

    def create_type(self, uid: str, chance: random.Random) -> None:
        names = chance.sample(sorted(FIELDS), chance.randint(0, 4))
        schema = [a_field("title", "text"), *(self._variant(name, chance) for name in names)]
        self.stack.add_content_type({"uid": uid, "schema": schema, "options": {"is_page": chance.random() < 0.2}})

    def _variant(self, name: str, chance: random.Random) -> Json:
        return chance.choice(FIELDS[name]) if self._retyping else FIELDS[name][0]

    def some_item(self, chance: random.Random) -> tuple[str, str] | None:
        """Return a content type and one of its entries."""
        uid = self._type(chance)
        return (uid, self._entry(chance, uid)) if uid else None

    def edit(self, chance: random.Random, *, types: bool = True, only: tuple[str, str] | None = None) -> None:
        """Edit something, or one item."""
        self.edits += 1
        if only and only[0] in self.stack.content_types:
            self.clock.sleep(chance.choice((0.0, 0.001, 0.03, 0.07)))
            self._edit_entry(*only, chance)
            return
        self.clock.sleep(chance.choice((0.0, 0.001, 0.03, 0.2, 1.0)))
        kinds: list[tuple[t.Callable[[random.Random], None], int]] = [
            (self._publish, 10),
            (self._unpublish, 4),
            (self._delete, 4),
            (self._publish_asset, 4),
            (self._unpublish_asset, 2),
            (self._delete_asset, 2),
        ]
        if types:
            kinds += [(self._change_type, 2), (self.delete_type, 1), (self.recreate_type, 1), (self._create_type, 2)]
            kinds += [(self._change_global_field, 1)]
        edits, weights = zip(*kinds, strict=True)
        chance.choices(edits, weights)[0](chance)

    def retract(self, chance: random.Random) -> None:
        """Unpublish what was published last, of those that have more."""
        self.edits += 1
        shelves = [
            shelf for uid in (*self.stack.content_types, SYS_ASSETS) if len(shelf := self.stack.live_events(uid)) > 1
        ]
        if shelves:
            newest = chance.choice(shelves)[-1]
            if newest.content_type_uid == SYS_ASSETS:
                self.stack.unpublish_asset(newest.uid, newest.locales[0])
            else:
                self.stack.unpublish_entry(newest.content_type_uid, newest.uid, newest.locales[0])

    def change_silently(self, chance: random.Random) -> None:
        """Delete a term or a language, which no event tells of; add the term again, so that there always is one."""
        if len(self.stack.locales) > 1 and chance.random() < 0.5:
            self.stack.delete_locale(chance.choice(self.stack.locales[1:]))
            return
        term = chance.choice(TERMS)
        self.stack.delete_term("mood", term)
        self.stack.add_term("mood", term)

    def _type(self, chance: random.Random) -> str | None:
        return chance.choice(sorted(self.stack.content_types)) if self.stack.content_types else None

    def _entry(self, chance: random.Random, content_type_uid: str) -> str:
        return f"{content_type_uid[:1].lower()}{chance.randrange(ENTRIES_PER_TYPE)}"

    def _some_locales(self, chance: random.Random) -> list[str]:
        return chance.sample(self.stack.locales, chance.randint(1, len(self.stack.locales)))

    def _edit_entry(self, uid: str, entry: str, chance: random.Random) -> None:
        there = [locale for locale in self.stack.locales if self.stack.find(uid, entry, locale)]
        locale = chance.choice(there or self.stack.locales)
        kind = chance.choice(("publish", "publish", "unpublish", "delete"))
        if kind == "publish":
            self._publish(chance, (uid, entry))
        elif kind == "unpublish":
            self.stack.unpublish_entry(uid, entry, locale)
        else:
            self.stack.delete_entry(uid, entry, locale if chance.random() < 0.5 else None)

    def _publish(self, chance: random.Random, only: tuple[str, str] | None = None) -> None:
        uid = only[0] if only else self._type(chance)
        if uid:
            data = {name: chance.choice(VALUES[name]) for name in chance.sample(sorted(VALUES), chance.randint(0, 4))}
            if chance.random() < 0.2:
                data["title"] = chance.choice(TEXTS)
            if chance.random() < TAGGED:
                data["taxonomies"] = [{"taxonomy_uid": "mood", "term_uid": chance.choice(TERMS)}]
            # A deleted item comes back from the trash with its uid; its versions go on.
            entry = only[1] if only else self._entry(chance, uid)
            data["_version"] = self._versions[entry] = self._versions.get(entry, 0) + 1
            fallback = chance.choice(self.stack.locales) if chance.random() < 0.3 else None
            locales = self._some_locales(chance)
            self.stack.publish_entry(uid, entry, copy.deepcopy(data), locales, localized_in=fallback)

    def _published(self, chance: random.Random, assets: bool) -> tuple[str, ...] | None:  # noqa: FBT001
        keys = [(uid, *key) for uid, key in self._shelf(assets=assets)]
        return chance.choice(keys) if keys else None

    def _shelf(self, *, assets: bool) -> list[tuple[str, tuple[str, str]]]:
        return sorted(
            (event.content_type_uid, (event.uid, event.locales[0]))
            for event in self.stack.live_events()
            if (event.content_type_uid == "sys_assets") == assets
        )

    def _unpublish(self, chance: random.Random) -> None:
        if found := self._published(chance, assets=False):
            self.stack.unpublish_entry(*found)

    def _delete(self, chance: random.Random) -> None:
        if found := self._published(chance, assets=False):
            self.stack.delete_entry(found[0], found[1], found[2] if chance.random() < 0.4 else None)

    def _publish_asset(self, chance: random.Random) -> None:
        data: Json = {"title": chance.choice(TEXTS)} if chance.random() < 0.3 else {}
        if chance.random() < 0.3:
            data |= {"dimension": {"height": 1, "width": 2}, "description": "d", "custom": chance.choice(ANYTHING)}
        asset = chance.choice(ASSETS)
        data["_version"] = self._versions[asset] = self._versions.get(asset, 0) + 1
        self.stack.publish_asset(asset, data, self._some_locales(chance))

    def _unpublish_asset(self, chance: random.Random) -> None:
        if found := self._published(chance, assets=True):
            self.stack.unpublish_asset(*found[1:])

    def _delete_asset(self, chance: random.Random) -> None:
        if found := self._published(chance, assets=True):
            self.stack.delete_asset(found[1], found[2] if chance.random() < 0.4 else None)

    def _change_type(self, chance: random.Random) -> None:
        if uid := self._type(chance):
            schema = copy.deepcopy(self.stack.content_types[uid]["schema"])
            name = chance.choice(sorted(FIELDS))
            kept = [field for field in schema if field["uid"] != name]
            if len(kept) == len(schema) or chance.random() < 0.6:
                kept.append(self._variant(name, chance))
            self.stack.change_content_type(uid, schema=kept)

    def delete_type(self, chance: random.Random) -> None:
        """Delete some content type."""
        if uid := self._type(chance):
            self.stack.delete_content_type(uid)

    def recreate_type(self, chance: random.Random) -> None:
        """Delete some content type and make it again."""
        if uid := self._type(chance):
            self.stack.delete_content_type(uid)
            self.create_type(uid, chance)

    def retype_fields(self, chance: random.Random) -> None:
        """Give all fields of some content type, if they can have several, another type."""
        if uid := self._type(chance):
            schema = [
                chance.choice([each for each in FIELDS.get(field["uid"], ()) if each != field] or [field])
                for field in self.stack.content_types[uid]["schema"]
            ]
            self.stack.change_content_type(uid, schema=schema)

    def _create_type(self, chance: random.Random) -> None:
        missing = sorted(set(TYPES) - set(self.stack.content_types))
        if missing:
            self.create_type(chance.choice(missing), chance)

    def _change_global_field(self, chance: random.Random) -> None:
        more = [a_field("extra", "text")] if chance.random() < 0.5 else []
        self.stack.add_global_field({"uid": "seo", "schema": [*copy.deepcopy(GROUP_FIELDS), *more]})
