"""Switches for API behaviour that the documentation leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the sandbox answers; the defaults are what has been seen of the API.

    A pass keeps the behaviour that it was started with, so that a token always gives the same page.

    Attributes:
        order: Order of the items of a pass. Shuffled is stable for the pass.
        compaction: What a delta keeps. `per_key`: an event only while it is the last one about a
            locale of its item. `per_item`: only the last edit of an item, with the events that this
            one edit made. The latter loses the earlier edits of other locales for good.
        history: An initial pass that asks for unpublish and delete events brings the old ones too.
        deletes: How the deletion of an item is told: `per_locale` with an event for each locale that
            it was published in, `whole` with one event that names one of them (the master locale, if
            it was published there), `nameless` with one event that has the uid alone. The deletion
            of one locale is one event; it names the locale unless `nameless`.
        publish_details: When missing, `data.locale` is the locale published to, for assets too.
        empty_pages: Empty pages come in between: first, every few pages, and before the last.
        total_count: `wrong` is off by one in each pass, `wrong_once` in the next pass alone (each
            time that a behaviour is set).
        unchanged_token: Whether a delta without changes returns the token that it was asked with.
        unchanged_shape: Whether it has `skip`, `limit` and `total_count` (`full`) or not.
        content_type_deleted_brings_entries: Entry events come with the event of a deleted type.
        title_on_unpublish: Unpublish events carry the title.
        asset_marker_on_unpublish: Unpublish events of assets have their `content_type_uid`.
        ties: Event times are rounded up to a tenth of a second, so successive events share them.
        untimed: One event in three has no `event_at`.
        branch_told: Content types carry `_branch` when asked for.
        pages: `shifted`: pages of an initial pass are cut by `skip` from what is published when each is asked for, so
            an edit in between moves the ones behind it, and `total_count` follows.
        page_tokens: Where they lead. `circle`: A → B → A; `long_circle`: A → B → C → A; `endless`: for ever to new
            empty pages.
        access: `lost`: the token reads nothing any more: lists are empty, and each type and feed is answered with 118.
        unknown_locale: Whether a language that the stack lacks is `empty` or `refused`.
        taxonomies: `off`: the stack does not publish taxonomies; asking for them is an error.
        asset_count: `lagging`: deleted assets are counted until the next event of another kind purges the cache.
        seed: Seed of the shuffled order.
    """

    order: Literal["newest_first", "oldest_first", "shuffled"] = "newest_first"
    compaction: Literal["none", "per_key", "per_item"] = "none"
    history: bool = True
    deletes: Literal["per_locale", "whole", "nameless"] = "per_locale"
    publish_details: Literal["present", "missing"] = "present"
    empty_pages: bool = False
    total_count: Literal["right", "wrong_once", "wrong", "absent"] = "right"
    unchanged_token: Literal["same", "new"] = "same"
    unchanged_shape: Literal["bare", "full"] = "bare"
    content_type_deleted_brings_entries: bool = False
    title_on_unpublish: bool = False
    asset_marker_on_unpublish: bool = True
    ties: bool = False
    untimed: bool = False
    branch_told: bool = True
    pages: Literal["pinned", "shifted"] = "pinned"
    page_tokens: Literal["onward", "circle", "long_circle", "endless"] = "onward"
    access: Literal["whole", "lost"] = "whole"
    unknown_locale: Literal["empty", "refused"] = "empty"
    taxonomies: Literal["published", "off"] = "published"
    asset_count: Literal["exact", "lagging"] = "exact"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the choices, since they may come over HTTP."""
        for name, choices in _choices().items():
            if getattr(self, name) not in choices:
                message = f"{name} must be one of {', '.join(choices)}"
                raise ValueError(message)


@cache
def _choices() -> dict[str, tuple[str, ...]]:
    hints = get_type_hints(Behaviour)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
