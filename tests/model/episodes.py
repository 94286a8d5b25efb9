"""Sequences of steps that chance alone makes too seldom; each sees to it that the stack is one where it matters."""

from __future__ import annotations

import typing as t

from tests.model.steps import Step, a_seed, make_behaviour, make_config, run_details

if t.TYPE_CHECKING:
    import random

    from tests.model.steps import Json


def calm_run(chance: random.Random) -> Json:
    calm: Json = {"cut": None, "stop_at": None, "faults": [], "edits": [], "short_page": None, "hidden_type": False}
    return {**run_details(chance), **calm, "everywhere": False}


def cut_run(chance: random.Random) -> Json:
    """Return a run that is cut short after one of many states, which the target confirms."""
    cut = {"cut": round(chance.uniform(0.1, 0.8), 3), "at_state": True, "confirm": "last", "every_state": True}
    return {**calm_run(chance), **cut, "concurrency": 8}


def many_pages(chance: random.Random, setup: Json) -> Step:
    """Let passes be of several pages, whose counts are right; return the step that fills the stack for them."""
    setup["page_size"] = 1
    setup["behaviour"]["total_count"] = "right"
    return Step("edit", a_seed(chance), {"times": 12, "focused": False})


def a_swept_table(chance: random.Random, _setup: Json) -> list[Step]:
    """Rows vanish while the token is lost; the load that sweeps them is cut short, anywhere."""
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 6, "focused": False}),
        Step("expire", a_seed(chance), {"tokens": chance.choice((None, "sync"))}),
        Step("run", a_seed(chance), {**calm_run(chance), "everywhere": True}),
    ]


def a_lost_checkpoint(chance: random.Random, setup: Json) -> list[Step]:
    """The token of an initial pass that was cut short is refused."""
    return [
        many_pages(chance, setup),
        Step("expire", a_seed(chance), {"tokens": "sync"}),
        Step("run", a_seed(chance), cut_run(chance)),
        Step("expire", a_seed(chance), {"tokens": "pagination"}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_resumed_load(chance: random.Random, setup: Json) -> list[Step]:
    """An initial pass is cut short, and goes on."""
    return [
        many_pages(chance, setup),
        Step("refresh", a_seed(chance), {"drop": False, **cut_run(chance)}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_refused_page(chance: random.Random, setup: Json) -> list[Step]:
    """A page in the middle of a delta is refused."""
    fault = {"kind": "refused_token", "path": "pagination_token", "times": 1, "after": chance.choice((0, 0, 1, 2))}
    return [
        many_pages(chance, setup),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 6, "focused": False}),
        Step("run", a_seed(chance), {**calm_run(chance), "faults": [fault]}),
    ]


def a_flurry(chance: random.Random, _setup: Json) -> list[Step]:
    """One item is edited again and again within a moment."""
    steps = [Step("run", a_seed(chance), calm_run(chance))]
    for _ in range(4):
        steps.append(Step("edit", a_seed(chance), {"times": chance.choice((2, 3, 4)), "focused": True}))
        steps.append(Step("run", a_seed(chance), calm_run(chance)))
    return steps


def a_grown_stack(chance: random.Random, _setup: Json) -> list[Step]:
    """Runs overlap with edits of everything."""
    numbers = sorted(chance.randint(1, 20) for _ in range(6))
    edits = [[number, chance.choice(("before", "after")), a_seed(chance)] for number in numbers]
    return [Step("run", a_seed(chance), {**calm_run(chance), "edits": edits, "everywhere": chance.random() < 0.3})]


def a_type_that_goes(chance: random.Random, setup: Json) -> list[Step]:
    """A content type is deleted, and perhaps made again; what tells of it may be one of many pages."""
    return [
        *([many_pages(chance, setup)] if chance.random() < 0.5 else ()),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("type", a_seed(chance), {"how": chance.choice(("delete", "recreate"))}),
        Step("edit", a_seed(chance), {"times": chance.choice((1, 3)), "focused": False}),
        Step("run", a_seed(chance), {**calm_run(chance), "everywhere": chance.random() < 0.3}),
    ]


def other_fields(chance: random.Random, setup: Json) -> list[Step]:
    """A content type's fields get other types."""
    setup["combined"] = False
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("type", a_seed(chance), {"how": "retype"}),
        Step("edit", a_seed(chance), {"times": 3, "focused": False}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def another_scope(chance: random.Random, setup: Json) -> list[Step]:
    """The configuration changes, and what is out of scope has to go."""
    setup["locales"] = max(setup["locales"], 2)
    setup["behaviour"] = make_behaviour(chance, setup["locales"])
    return [
        Step("wait", a_seed(chance), {"seconds": 0.7}),
        Step("edit", a_seed(chance), {"times": 3, "focused": False}),
        Step("run", a_seed(chance), calm_run(chance)),
        make_config(chance, {}, ("locales", "start_date", "environment", "event_types")),
        Step("run", a_seed(chance), {**calm_run(chance), "everywhere": chance.random() < 0.3}),
    ]


def a_short_delta(chance: random.Random, setup: Json) -> list[Step]:
    """A page of a delta lacks an item."""
    setup["behaviour"]["total_count"] = "right"
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 3, "focused": False}),
        Step("run", a_seed(chance), {**calm_run(chance), "short_page": 0}),
    ]


def a_short_load(chance: random.Random, setup: Json) -> list[Step]:
    """A page of an initial pass lacks an item."""
    return [
        many_pages(chance, setup),
        Step("refresh", a_seed(chance), {"drop": True, **calm_run(chance), "short_page": chance.choice((0, 3))}),
    ]


def an_incomplete_list(chance: random.Random, setup: Json) -> list[Step]:
    """A list lacks a content type that is there."""
    setup["combined"] = False
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 1, "focused": False}),
        Step("run", a_seed(chance), {**calm_run(chance), "hidden_type": True}),
    ]


def a_new_locale(chance: random.Random, setup: Json) -> list[Step]:
    """Rows of a locale come and go in deltas alone, the latter by a delete that does not name it."""
    setup["behaviour"]["deletes"] = chance.choice(("whole", "nameless"))
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("locale", 0, {"how": "publish"}),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("locale", 0, {"how": "delete"}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_column_selected_later(chance: random.Random, setup: Json) -> list[Step]:
    """A column is left out for some runs, while items are edited."""
    setup["combined"] = False
    steps = [Step("edit", a_seed(chance), {"times": 6, "focused": False})]
    for how in ("column", "clear"):
        steps += [
            Step("catalog", a_seed(chance), {"how": how}),
            Step("run", a_seed(chance), calm_run(chance)),
            Step("edit", a_seed(chance), {"times": 2, "focused": False}),
            Step("run", a_seed(chance), calm_run(chance)),
        ]
    return steps


EPISODES = (
    a_column_selected_later,
    a_swept_table,
    a_lost_checkpoint,
    a_resumed_load,
    a_refused_page,
    a_flurry,
    a_grown_stack,
    a_type_that_goes,
    other_fields,
    another_scope,
    another_scope,
    a_short_delta,
    a_short_load,
    an_incomplete_list,
    a_new_locale,
)
