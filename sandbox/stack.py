"""A stack, and the edits that its users make: of content types, entries, assets, taxonomies and languages."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from sandbox.clock import Clock, iso, wall_clock
from sandbox.event import CONTENT_TYPE_DELETED, SYS_ASSETS, encode
from sandbox.log import Log
from sandbox.shelves import Shelves
from sandbox.taxonomies import Taxonomies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sandbox.event import Event

Json = dict[str, Any]


def uid_of(*parts: object) -> str:
    """Return the uid that these parts always give: `blt` and 16 hex digits."""
    text = "/".join(map(str, parts)).encode()
    return "blt" + hashlib.blake2b(text, digest_size=8).hexdigest()


@dataclass(slots=True)
class Item:
    """What outlasts the versions of an entry or asset.

    Attributes:
        created_at: When it was first saved.
        version: Its last version.
        locales: The locales it was ever published in, the first one first.
    """

    created_at: str
    version: int = 0
    locales: dict[str, None] = field(default_factory=dict)


class Stack:
    """A stack with content in one branch and one environment; the others are empty.

    Every edit takes the lock, moves the clock on, and writes its events to the log. An edit that changes nothing
    writes no event. A silent change, which the real API makes without telling the feed, writes none either.
    """

    def __init__(
        self,
        *,
        locales: Sequence[str] = ("en-us",),
        environments: Sequence[str] = ("production", "staging"),
        branches: Sequence[str] = ("main", "develop"),
        aliases: Mapping[str, str] | None = None,
        seed: int = 0,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        """Make an empty stack.

        Args:
            locales: Its locales, the master locale first.
            environments: Names of the environments; everything is published to the first.
            branches: Names of the branches; all show the same content.
            aliases: Alias to branch; by default `live` is the first branch.
            seed: Seed of its keys and user.
            clock: Time in milliseconds, for the edits to come.
        """
        self.lock = RLock()
        self.locales = tuple(locales)
        self.environments = {name: uid_of(seed, "environment", name) for name in environments}
        self.environment = environments[0]
        self.branches = {name: name for name in branches}
        self.branches |= {"live": branches[0]} if aliases is None else aliases
        self.branch = branches[0]
        self.api_key = uid_of(seed, "stack")
        self.access_token = "cs" + uid_of(seed, "token")[3:] + uid_of(seed, "n")[3:11]
        self.user = uid_of(seed, "user")
        self.clock = Clock(clock)
        self.log = Log(self.clock)
        self.content_types: dict[str, Json] = {}
        self.global_fields: dict[str, Json] = {}
        self.taxonomies = Taxonomies(self.clock, self._taxonomy_details)
        self.silent_changes = 0
        self._languages = set(locales)
        self._items: dict[str, dict[str, Item]] = {SYS_ASSETS: {}}
        self._shelves = Shelves()

    @property
    def position(self) -> int:
        """The position of the last event in the log."""
        return self.log.position

    @property
    def revision(self) -> tuple[int, int]:
        """What differs between two states of the published content: events and silent changes."""
        return self.position, self.silent_changes

    def has_locale(self, locale: str) -> bool:
        """Whether the stack has this language: one of its first, or one that something was published to since."""
        return locale in self._languages

    # Content types

    def add_content_type(self, content_type: Mapping[str, Any]) -> None:
        """Add a content type; `uid` and `schema` are needed, the rest has defaults.

        Raises:
            ValueError: The stack has it already.
        """
        with self.lock:
            uid = content_type["uid"]
            if uid in self.content_types or uid == SYS_ASSETS:
                message = f"content type {uid!r} exists"
                raise ValueError(message)
            self.content_types[uid] = self._described(content_type)
            self._items[uid] = {}
            self._shelves.add(uid)

    def add_global_field(self, global_field: Mapping[str, Any]) -> None:
        """Add a global field, or replace it; `uid` and `schema` are needed."""
        with self.lock:
            self.global_fields[global_field["uid"]] = self._described(global_field)

    def delete_global_field(self, uid: str) -> None:
        """Delete a global field."""
        with self.lock:
            del self.global_fields[uid]

    def _described(self, given: Mapping[str, Any]) -> Json:
        now = iso(self.clock.tick())
        described: Json = {
            "title": str(given["uid"]).replace("_", " ").title(),
            "description": "",
            "options": {"is_page": False, "singleton": False, "title": "title", "sub_title": []},
            "_version": 1,
            "created_at": now,
            "updated_at": now,
            "inbuilt_class": False,
            "maintain_revisions": True,
            "last_activity": {},
        }
        return described | copy.deepcopy(dict(given))

    def change_content_type(
        self,
        uid: str,
        *,
        schema: Sequence[Mapping[str, Any]] | None = None,
        title: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a content type; its entries stay as they were saved, and no event tells of it."""
        changes = {"schema": schema, "title": title, "options": options}
        with self.lock:
            content_type = dict(self.content_types[uid])
            content_type |= {k: copy.deepcopy(v) for k, v in changes.items() if v is not None}
            content_type["_version"] += 1
            content_type["updated_at"] = iso(self.clock.tick())
            self.content_types[uid] = content_type

    def delete_content_type(self, uid: str) -> None:
        """Delete a content type with all of its entries."""
        with self.lock:
            del self.content_types[uid]
            self.log.begin_edit()
            for entry_uid in list(self._items[uid]):
                self._delete(uid, entry_uid, None, implied=True)
            del self._items[uid]
            self._shelves.remove(uid)
            self.log.write(CONTENT_TYPE_DELETED, uid)

    # Entries and assets

    def publish_entry(
        self,
        content_type_uid: str,
        uid: str,
        data: Mapping[str, Any],
        locales: Iterable[str] | None = None,
        localized_in: str | None = None,
    ) -> None:
        """Save an entry and publish it.

        Args:
            content_type_uid: Its content type.
            uid: Its uid; a new one makes a new entry.
            data: Its fields. A system field given here wins, so a test can write any.
            locales: The locales to publish it to; by default the master locale.
            localized_in: The fallback locale that its content comes from, if not the locale itself.
        """
        with self.lock:
            page = self.content_types[content_type_uid]["options"].get("is_page")
            address = {"url": f"/{uid}"} if page else {}
            for locale, system in self._versions(content_type_uid, uid, locales):
                entry = {"title": uid} | address | {"uid": uid, "locale": localized_in or locale}
                self._publish("entry", content_type_uid, uid, locale, entry | system | {**data})

    def publish_asset(
        self, uid: str, data: Mapping[str, Any] | None = None, locales: Iterable[str] | None = None
    ) -> None:
        """Save an asset and publish it to locales, by default the master locale."""
        data = data or {}
        filename = data.get("filename", f"{uid}.png")
        with self.lock:
            for locale, system in self._versions(SYS_ASSETS, uid, locales):
                folder = uid_of(uid, "file")[3:]
                asset = {
                    "uid": uid,
                    "title": filename,
                    "filename": filename,
                    "url": f"https://images.example.com/v3/assets/{self.api_key}/{uid}/{folder}/{filename}",
                    "content_type": "image/png",
                    "file_size": "2048",
                    "is_dir": False,
                }
                self._publish("asset", SYS_ASSETS, uid, locale, asset | system | {**data})

    def _versions(self, content_type_uid: str, uid: str, locales: Iterable[str] | None) -> Iterable[tuple[str, Json]]:
        self.log.begin_edit()
        saved = iso(self.clock.tick())
        item = self._items[content_type_uid].setdefault(uid, Item(saved))
        item.version += 1
        for locale in (self.locales[0],) if locales is None else locales:
            item.locales[locale] = None
            self._languages.add(locale)
            yield (
                locale,
                {
                    "tags": [],
                    "_version": item.version,
                    "created_at": item.created_at,
                    "created_by": self.user,
                    "updated_at": saved,
                    "updated_by": self.user,
                },
            )

    def _publish(self, kind: str, content_type_uid: str, uid: str, locale: str, data: Json) -> None:
        event = self.log.write(f"{kind}_published", content_type_uid, uid, (locale,))
        details = {
            "environment": self.environments[self.environment],
            "locale": locale,
            "time": iso(event.at),
            "user": self.user,
        }
        event.data = encode({"publish_details": details} | data)
        event.title = str(data.get("title", ""))
        self._shelves.put(event)

    def unpublish_entry(self, content_type_uid: str, uid: str, locale: str) -> None:
        """Unpublish an entry from one locale."""
        self._unpublish("entry_unpublished", content_type_uid, uid, locale)

    def unpublish_asset(self, uid: str, locale: str) -> None:
        """Unpublish an asset from one locale."""
        self._unpublish("asset_unpublished", SYS_ASSETS, uid, locale)

    def _unpublish(self, kind: str, content_type_uid: str, uid: str, locale: str) -> None:
        with self.lock:
            event = self._shelves.take(content_type_uid, uid, locale)
            if event is not None:
                self.log.begin_edit()
                self.log.write(kind, content_type_uid, uid, (locale,), event.title)

    def delete_entry(self, content_type_uid: str, uid: str, locale: str | None = None) -> None:
        """Delete one locale of an entry, or all of it."""
        with self.lock:
            self.log.begin_edit()
            self._delete(content_type_uid, uid, locale)

    def delete_asset(self, uid: str, locale: str | None = None) -> None:
        """Delete one locale of an asset, or all of it."""
        with self.lock:
            self.log.begin_edit()
            self._delete(SYS_ASSETS, uid, locale)

    def _delete(self, content_type_uid: str, uid: str, locale: str | None, *, implied: bool = False) -> None:
        """Delete an item; the event is about the locales it was published in, now or ever."""
        items = self._items[content_type_uid]
        item = items.get(uid)
        if item is None:
            return
        if locale is None:
            ever = sorted(item.locales, key=lambda code: code != self.locales[0])
            about = [code for code in ever if self._shelves.find(content_type_uid, uid, code)] or ever
            del items[uid]
        else:
            about = [locale] if locale in item.locales else []
            item.locales.pop(locale, None)
        taken = tuple(code for code in about if self._shelves.take(content_type_uid, uid, code) is not None)
        if about:
            kind = "asset_deleted" if content_type_uid == SYS_ASSETS else "entry_deleted"
            event = self.log.write(kind, content_type_uid, uid, tuple(about), implied=implied)
            event.taken = taken

    # Silent changes

    def add_taxonomy(self, uid: str, name: str | None = None, description: str = "") -> None:
        """Add a taxonomy, or rename it."""
        with self.lock:
            self.taxonomies.add(uid, name, description)

    def add_term(self, taxonomy_uid: str, uid: str, name: str | None = None, parent_uid: str | None = None) -> None:
        """Add a term to a taxonomy, or rename it."""
        with self.lock:
            self.taxonomies.add_term(taxonomy_uid, uid, name, parent_uid)

    def delete_term(self, taxonomy_uid: str, uid: str) -> None:
        """Delete a term and those below it; they vanish from all entries at once."""
        with self.lock:
            self._untag(taxonomy_uid, self.taxonomies.remove_term(taxonomy_uid, uid))

    def delete_taxonomy(self, uid: str) -> None:
        """Delete a taxonomy; its terms vanish from all entries at once."""
        with self.lock:
            self._untag(uid, self.taxonomies.remove(uid))

    def _untag(self, taxonomy_uid: str, terms: set[str]) -> None:
        """Take terms out of what is published."""
        self.silent_changes += 1
        for event in self.live_events():
            data = json.loads(event.data)
            tags = data.get("taxonomies")
            if not isinstance(tags, list):
                continue
            kept = [tag for tag in tags if not _is_tagged(tag, taxonomy_uid, terms)]
            if len(kept) < len(tags):
                self._rewrite(event, data | {"taxonomies": kept})

    def _rewrite(self, event: Event, data: Json) -> None:
        """Change what an event published: pages that were cut before keep the old one."""
        changed = replace(event, data=encode(data))
        self.log.rewrite(changed)
        self._shelves.rewrite(changed)

    def delete_locale(self, locale: str) -> None:
        """Delete a language, and with it what is published to it.

        Raises:
            ValueError: It is the master locale, or there is no such language.
        """
        with self.lock:
            if locale == self.locales[0] or locale not in self._languages:
                message = (
                    f"locale {locale!r} cannot be deleted: it is the master locale, or not a language of the stack"
                )
                raise ValueError(message)
            self.silent_changes += 1
            self._languages.discard(locale)
            self.locales = tuple(each for each in self.locales if each != locale)
            self._shelves.take_locale(locale)
            for items in self._items.values():
                for item in items.values():
                    item.locales.pop(locale, None)

    def _taxonomy_details(self) -> Json:
        locale = self.locales[0]
        details = {
            "environment": self.environments[self.environment],
            "locale": locale,
            "time": iso(self.clock.tick()),
            "user": self.user,
        }
        return {"locale": locale, "publish_details": details}

    # What is published

    def live_events(self, content_type_uid: str | None = None) -> list[Event]:
        """Return the events that published what is published now, oldest first."""
        with self.lock:
            return self._shelves.events(content_type_uid)

    def find(self, content_type_uid: str, uid: str, locale: str) -> Event | None:
        """Return the event that published an item in a locale, if it is published there."""
        return self._shelves.find(content_type_uid, uid, locale)

    def published_entries(self, content_type_uid: str | None = None) -> dict[tuple[str, str, str], Json]:
        """Return the published entries by content type, uid and locale."""
        return {
            (event.content_type_uid, event.uid, event.locales[0]): json.loads(event.data)
            for event in self.live_events(content_type_uid)
            if event.content_type_uid != SYS_ASSETS
        }

    def published_assets(self) -> dict[tuple[str, str], Json]:
        """Return the published assets by uid and locale."""
        return {(event.uid, event.locales[0]): json.loads(event.data) for event in self.live_events(SYS_ASSETS)}


def _is_tagged(tag: Any, taxonomy_uid: str, terms: set[str]) -> bool:
    """Whether a value of the field `taxonomies` is one of these terms."""
    return isinstance(tag, dict) and tag.get("taxonomy_uid") == taxonomy_uid and tag.get("term_uid") in terms
