"""Damage to a state: what a hand or another program might make of it."""

from __future__ import annotations

import copy
import typing as t

if t.TYPE_CHECKING:
    import random

    from tests.model.steps import Json


def damaged(whole: Json, how: str, chance: random.Random) -> Json:
    """Return a state with damage: `extra` content, a bookmark of a `foreign` stack, or one that is edited."""
    state = copy.deepcopy(whole)
    bookmarks = state["bookmarks"]
    name = chance.choice(sorted(bookmarks)) if bookmarks else None
    if how == "extra":
        state["more"] = {"of": "this"}
        value: t.Any = chance.choice(
            (5, None, {}, {"locales": 5}, {"content_type_uid": "no/such type?"}, {"version": "x"})
        )
        bookmarks[chance.choice(("gone", "entries_", "x-y"))] = value
    elif name and how == "foreign":
        if isinstance(bookmarks[name], dict) and bookmarks[name].get("scope"):
            bookmarks[name]["scope"] = "stack:0000000000 " + bookmarks[name]["scope"].partition(" ")[2]
    elif name and isinstance(bookmarks[name], dict):
        damage_bookmark(bookmarks, name, chance)
    return state


def damage_bookmark(bookmarks: Json, name: str, chance: random.Random) -> None:
    """Edit a bookmark as a hand might that does not know better."""
    bookmark = bookmarks[name]
    kind = chance.choice(("drop", "value", "value", "value", "more", "all"))
    if kind == "drop" and bookmark:
        del bookmark[chance.choice(sorted(bookmark))]
    elif kind == "more":
        bookmark["more"] = {"a": 1}
    elif kind == "all":
        bookmarks[name] = chance.choice((None, 5, [], {}, {"replication_key_value": "2024-01-01T00:00:00Z"}))
    else:
        values: dict[str, tuple[t.Any, ...]] = {
            "replication_key": (None, "updated_at"),
            "replication_key_value": ("bogus", 5, ""),
            "pagination_token": ("bogus", 5),
            "items_seen": (-1, "3", None),
            "version": (None, 0, "7", True),
            "scope": ("bogus", None, 5, "a:b c"),
            "content_type_uid": (5, "", "no/such type?"),
            "locales": (None, "en-us", [5]),
            "types": (None, [], {"price": 5}),
            "format": (2, None, True),
        }
        key = chance.choice(sorted(values))
        bookmark[key] = chance.choice(values[key])
