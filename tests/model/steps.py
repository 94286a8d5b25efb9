"""The steps that histories are made of, each drawn by chance."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass, field
from http import HTTPStatus

from tap_contentstack.api.refusals import UNKNOWN_TOKEN

Json: t.TypeAlias = dict[str, t.Any]

NARROWED = ["entry_published", "asset_published", "entry_unpublished"]
SCOPE_SETTINGS = ("environment", "branch", "locales", "event_types", "start_date", "content_types", "entry_streams")
SETTINGS = (*SCOPE_SETTINGS, "on_scope_change")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a history: what happens, and the seed of its details."""

    kind: str
    seed: int
    details: Json = field(default_factory=dict)

    def __str__(self) -> str:
        details = ", ".join(
            f"{name}={value!r}" for name, value in self.details.items() if value not in (None, [], False)
        )
        return f"{self.kind}(seed={self.seed}{', ' if details else ''}{details})"


def chance_of(*seeds: object) -> random.Random:
    return random.Random("/".join(map(str, seeds)))  # noqa: S311 - to be replayed, not to be secret


def make_behaviour(chance: random.Random, locales: int) -> Json:
    compactions = ("none", "none", "per_key", "per_item") if locales == 1 else ("none", "per_key")
    options: dict[str, tuple[t.Any, ...]] = {
        "order": ("newest_first", "oldest_first", "shuffled"),
        "compaction": compactions,
        "history": (True, False),
        "deletes": ("per_locale", "whole", "nameless"),
        "publish_details": ("present", "present", "missing"),
        "empty_pages": (False, True),
        "total_count": ("right", "right", "right", "wrong_once", "wrong", "absent"),
        "unchanged_token": ("same", "new"),
        "unchanged_shape": ("bare", "full"),
        "content_type_deleted_brings_entries": (False, True),
        "title_on_unpublish": (False, True),
        "asset_marker_on_unpublish": (True, False),
        "ties": (False, True),
        "untimed": (False, False, False, True),
        "branch_told": (True, True, True, False),
        "unknown_locale": ("empty", "refused"),
        "seed": (0, 1, 2),
    }
    return {name: chance.choice(values) for name, values in options.items()}


def a_seed(chance: random.Random) -> int:
    return chance.randrange(10**6)


def make_edit(chance: random.Random, _: Json) -> Step:
    return Step("edit", a_seed(chance), {"times": chance.choice((1, 1, 2, 3, 6)), "focused": chance.random() < 0.4})


def make_wait(chance: random.Random, _: Json) -> Step:
    return Step("wait", a_seed(chance), {"seconds": chance.choice((0.05, 0.7, 3.0, 86400.0))})


def make_run(chance: random.Random, _: Json) -> Step:
    return Step("run", a_seed(chance), run_details(chance))


def run_details(chance: random.Random) -> Json:
    kind = chance.choices(("whole", "killed", "stopped"), (4, 7, 2))[0]
    details: Json = {
        "concurrency": chance.choice((1, 1, 2, 8)),
        "lazy": chance.random() < 0.3,
        "every_state": chance.random() < 0.75,
        "cut": round(chance.uniform(0, 0.999), 3) if kind == "killed" else None,
        "at_state": chance.random() < 0.6,
        "confirm": chance.choice(("none", "last", "last", "any")),
        "stop_at": chance.randint(2, 14) if kind == "stopped" else None,
        "faults": [make_fault(chance) for _ in range(chance.choice((0, 0, 0, 1, 2)))],
        "edits": [],
        "page_size": 100,
        "few_checks": 10,
    }
    if chance.random() < 0.3:
        numbers = sorted(chance.randint(1, 25) for _ in range(chance.choice((1, 2, 4))))
        details["edits"] = [[number, chance.choice(("before", "after")), a_seed(chance)] for number in numbers]
    if chance.random() < 0.2:
        details |= {"page_size": chance.choice((1, 2)), "few_checks": chance.choice((0, 1))}
    details["everywhere"] = chance.random() < 0.2
    details["short_page"] = chance.randint(0, 12) if chance.random() < 0.15 else None
    details["hidden_type"] = chance.random() < 0.12
    details["lost_from"] = None
    details["overlay"] = {}
    details["retract_at"] = None
    return details


def make_fault(chance: random.Random) -> Json:
    kind = chance.choice(("status", "status", "reset", "cut", "truncated", "html", "refused_token", "refused_token"))
    statuses = {"status": (401, 408, 429, 500, 503), "html": (200, 401, 403, 404, 412, 502)}
    status = chance.choice(statuses.get(kind, (200,)))
    return {
        "kind": kind,
        "status": status,
        "code": UNKNOWN_TOKEN if status == HTTPStatus.UNAUTHORIZED else None,  # a list may be refused with any other
        "times": chance.choice((1, 1, 1, 2, 4)),
        "after": chance.choice((0, 0, 1, 2, 4, 8, 16)),
        "path": chance.choice(
            (None, None, "/v3/stacks/sync", "/entries", "/v3/assets", "[$]in", "pagination_token", "sync_token")
        ),
        "limit_told": chance.choice((None, None, "retry_after", "retry_after_zero", "remaining", "reset_time")),
    }


def make_silence(chance: random.Random, _: Json) -> Step:
    return Step("silent", a_seed(chance))


def make_config(chance: random.Random, _: Json, names: tuple[str, ...] = SETTINGS) -> Step:
    options: dict[str, tuple[t.Any, ...]] = {
        "locales": (None, ["en-us"], ["en-us", "fr-fr"], ["fr-fr"], ["fr-fr"]),
        "start_date": (None, 0.3, 0.7),
        "event_types": (None, NARROWED),
        "content_types": (None, ["blog"], ["b*", "*"], ["blog", "Page-Old"]),
        "environment": ("production", "staging"),
        "branch": (None, "main", "live", "develop"),
        "on_scope_change": ("restart", "fail"),
        "entry_streams": ("per_content_type", "combined"),
    }
    name = chance.choice(names)
    return Step("config", a_seed(chance), {"name": name, "value": chance.choice(options[name])})


def make_switch(chance: random.Random, setup: Json) -> Step:
    return Step("switch", a_seed(chance), make_behaviour(chance, setup["locales"]))


def make_expiry(chance: random.Random, _: Json) -> Step:
    return Step("expire", a_seed(chance), {"tokens": chance.choice((None, "sync", "pagination"))})


def make_damage(chance: random.Random, _: Json) -> Step:
    return Step(
        "damage",
        a_seed(chance),
        {"how": chance.choice(("old", "old", "none", "foreign", "garbage", "garbage", "extra"))},
    )


def make_refresh(chance: random.Random, _: Json) -> Step:
    return Step("refresh", a_seed(chance), {"drop": chance.random() < 0.5, **run_details(chance)})


def make_catalog(chance: random.Random, _: Json) -> Step:
    return Step(
        "catalog",
        a_seed(chance),
        {"how": chance.choice(("pin", "deselect", "column", "column", "full_table", "clear", "clear", "clear"))},
    )
