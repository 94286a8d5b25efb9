"""Sequences of steps that chance alone makes too seldom; each sees to it that the stack is one where it matters."""

from __future__ import annotations

import typing as t

from tests.model.steps import Step, a_seed, make_behaviour, make_config, run_details

if t.TYPE_CHECKING:
    import random

    from tests.model.steps import Json


def calm_run(chance: random.Random) -> Json:
    calm: Json = {"cut": None, "stop_at": None, "faults": [], "edits": [], "short_page": None, "hidden_type": False}
    calm |= {"lost_from": None, "overlay": {}, "retract_at": None}
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


def several_locales(setup: Json, number: int = 2) -> None:
    """Let the stack have at least so many locales, whose events are not compacted into one."""
    setup["locales"] = max(setup["locales"], number)
    if setup["behaviour"]["compaction"] == "per_item":
        setup["behaviour"]["compaction"] = "per_key"


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


def a_throttled_start(chance: random.Random, _setup: Json) -> list[Step]:
    """The API throttles from the first requests of a run on, more often than a request may fail."""
    told = chance.choice((None, "retry_after", "retry_after_zero", "remaining", "reset_time"))
    fault = {"kind": "status", "status": 429, "times": 12, "after": chance.choice((0, 0, 1, 4)), "limit_told": told}
    return [Step("run", a_seed(chance), {**calm_run(chance), "faults": [fault]})]


def a_flurry(chance: random.Random, _setup: Json) -> list[Step]:
    """One item is edited again and again within a moment."""
    steps = [Step("run", a_seed(chance), calm_run(chance))]
    for _ in range(4):
        steps.append(Step("edit", a_seed(chance), {"times": chance.choice((2, 3, 4)), "focused": True}))
        steps.append(Step("run", a_seed(chance), calm_run(chance)))
    return steps


def a_tie(chance: random.Random, setup: Json) -> list[Step]:
    """One item is edited several times within the same tenth of a second, which is all that its events tell."""
    setup["behaviour"] |= {"ties": True, "compaction": "none"}
    return a_flurry(chance, setup)


def an_event_without_a_time(chance: random.Random, setup: Json) -> list[Step]:
    """One item is edited several times, and not all of its events tell when."""
    setup["behaviour"] |= {"untimed": True, "compaction": "none"}
    return a_flurry(chance, setup)


def a_grown_stack(chance: random.Random, _setup: Json) -> list[Step]:
    """Runs overlap with edits of everything."""
    numbers = sorted(chance.randint(1, 20) for _ in range(6))
    edits = [[number, chance.choice(("before", "after")), a_seed(chance)] for number in numbers]
    return [Step("run", a_seed(chance), {**calm_run(chance), "edits": edits, "everywhere": chance.random() < 0.3})]


def a_type_that_goes(chance: random.Random, setup: Json) -> list[Step]:
    """A content type is deleted, and perhaps made again; what tells of it may be one of many uncounted pages."""
    pages = [many_pages(chance, setup)] if chance.random() < 0.7 else []
    if pages:
        setup["behaviour"]["total_count"] = chance.choice(("right", "absent"))
    edits = [Step("edit", a_seed(chance), {"times": chance.choice((1, 3, 6)), "focused": False}) for _ in range(2)]
    return [
        *pages,
        Step("run", a_seed(chance), calm_run(chance)),
        edits[0],
        Step("type", a_seed(chance), {"how": chance.choice(("delete", "recreate", "recreate"))}),
        edits[1],
        Step("run", a_seed(chance), {**calm_run(chance), "everywhere": chance.random() < 0.3}),
    ]


def a_restart_within_a_delta(chance: random.Random, setup: Json) -> list[Step]:
    """A delta tells, in the middle of many uncounted pages, that a content type is deleted: all entries start over."""
    setup["combined"] = True
    setup["types"] = max(2, setup["types"])
    pages = many_pages(chance, setup)
    setup["behaviour"] |= {"total_count": "absent", "order": "shuffled", "compaction": "none"}
    edits = [Step("edit", a_seed(chance), {"times": 6, "focused": False}) for _ in range(2)]
    return [
        pages,
        Step("run", a_seed(chance), calm_run(chance)),
        edits[0],
        Step("type", a_seed(chance), {"how": "delete"}),
        edits[1],
        Step("run", a_seed(chance), calm_run(chance)),
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


def an_incomplete_list_to_count_by(chance: random.Random, setup: Json) -> list[Step]:
    """A combined stream has rows of a content type that a list lacks by the time that they are counted."""
    setup["combined"] = setup["counted"] = True
    setup["behaviour"]["total_count"] = "right"
    setup["types"] = max(2, setup["types"])
    return [
        Step("edit", a_seed(chance), {"times": 12, "focused": False}),
        Step("run", a_seed(chance), calm_run(chance)),
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


def a_forgotten_locale(chance: random.Random, setup: Json) -> list[Step]:
    """A stream restarts that was the only one to know a locale, of which a run whose state is lost left rows elsewhere.

    What tells of these rows is a delete that names no locale.
    """
    setup["types"], setup["combined"] = 2, False
    setup["behaviour"] |= {"deletes": "nameless", "compaction": "per_key"}
    lost = {"cut": 0.999, "at_state": False, "confirm": "none"}
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("locale", 0, {"how": "publish"}),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("locale", 0, {"how": "publish", "last": True}),
        Step("run", a_seed(chance), {**calm_run(chance), **lost}),
        Step("locale", 0, {"how": "delete", "last": True}),
        Step("type", a_seed(chance), {"how": "recreate"}),
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


def a_silent_change(chance: random.Random, setup: Json) -> list[Step]:
    """A term or a language is deleted, which no event tells of; a reload brings it, even one that is cut short."""
    several_locales(setup)
    cuts = [cut_run(chance)] if chance.random() < 0.5 else []
    return [
        Step("edit", a_seed(chance), {"times": 6, "focused": False}),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("silent", a_seed(chance)),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("reload", a_seed(chance)),
        *(Step("run", a_seed(chance), details) for details in (*cuts, calm_run(chance))),
    ]


def a_circle(chance: random.Random, setup: Json) -> list[Step]:
    """Pages lead in a circle, or to empty ones for ever: in an initial pass, or in a delta."""
    overlay = {"page_tokens": chance.choice(("circle", "long_circle", "endless"))}
    lost = [Step("expire", a_seed(chance), {"tokens": None})] if chance.random() < 0.5 else []
    return [
        many_pages(chance, setup),
        Step("run", a_seed(chance), calm_run(chance)),
        *lost,
        Step("edit", a_seed(chance), {"times": 4, "focused": False}),
        Step("run", a_seed(chance), {**calm_run(chance), "overlay": overlay}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def shifted_pages(chance: random.Random, setup: Json) -> list[Step]:
    """Pages of an initial pass are cut from what is published now, and one item that was read already goes."""
    overlay = {"pages": "shifted", "order": "newest_first", "total_count": "right", "empty_pages": False}
    run = {**calm_run(chance), "overlay": {**overlay, "history": False}, "retract_at": chance.randint(3, 12)}
    return [
        many_pages(chance, setup),
        Step("edit", a_seed(chance), {"times": 8, "focused": False}),
        Step("refresh", a_seed(chance), {"drop": False, **run}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_lost_access(chance: random.Random, _setup: Json) -> list[Step]:
    """The token loses its access, at the start of a run or in the middle, and gets it back."""
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 2, "focused": False}),
        *([Step("expire", a_seed(chance), {"tokens": None})] if chance.random() < 0.3 else ()),
        Step("run", a_seed(chance), {**calm_run(chance), "lost_from": chance.choice((0, 1, 2, 3, 5, 8))}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_lost_access_to_assets(chance: random.Random, setup: Json) -> list[Step]:
    """The token loses its access just before it is asked where a deleted asset is still published."""
    several_locales(setup)
    return [
        Step("asset", 0, {"how": "publish"}),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("asset", 0, {"how": "delete"}),
        Step("run", a_seed(chance), {**calm_run(chance), "concurrency": 1, "lost_from": chance.randint(6, 8)}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_lasting_miscount(chance: random.Random, setup: Json) -> list[Step]:
    """The API's count is off by one in each pass, and runs are cut short."""
    pages = many_pages(chance, setup)
    setup["behaviour"]["total_count"] = "wrong"
    return [
        pages,
        Step("expire", a_seed(chance), {"tokens": None}),
        *(Step("run", a_seed(chance), cut_run(chance)) for _ in range(5)),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def a_refused_language(chance: random.Random, setup: Json) -> list[Step]:
    """The stack loses a language that rows are in, so the API refuses to be asked about it."""
    several_locales(setup, 3)
    setup["behaviour"] |= {"unknown_locale": "refused", "deletes": "nameless", "compaction": "none"}
    steps = [
        Step("edit", a_seed(chance), {"times": 8, "focused": False}),
        Step("run", a_seed(chance), calm_run(chance)),
        Step("silent", a_seed(chance), {"language": True}),
    ]
    for _ in range(3):
        steps.append(Step("edit", a_seed(chance), {"times": 3, "focused": False}))
        steps.append(Step("run", a_seed(chance), calm_run(chance)))
    return steps


def pages_of_others(chance: random.Random, setup: Json) -> list[Step]:
    """Requests about deleted items are answered by another program's page, with any status."""
    setup["behaviour"]["deletes"] = chance.choice(("whole", "nameless"))
    several_locales(setup)
    status = chance.choice((200, 400, 401, 403, 404, 410, 412))
    fault = {"kind": "html", "status": status, "times": None, "after": 0, "path": "[$]in"}
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 6, "focused": False}),
        Step("run", a_seed(chance), {**calm_run(chance), "faults": [fault]}),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def an_untold_branch(chance: random.Random, setup: Json) -> list[Step]:
    """The branch is changed in the settings, and nothing of the API tells which one it is."""
    setup["behaviour"]["branch_told"] = False
    return [
        Step("run", a_seed(chance), calm_run(chance)),
        make_config(chance, {}, ("branch",)),
        Step("run", a_seed(chance), calm_run(chance)),
        make_config(chance, {}, ("branch",)),
        Step("run", a_seed(chance), calm_run(chance)),
    ]


def time_limits(chance: random.Random, setup: Json) -> list[Step]:
    """First loads, changes and reloads take longer than the time limit that each run has."""
    box = {"pages": round(chance.uniform(3, 8), 1), "concurrency": chance.choice((1, 1, 2, 8))}
    many = {"times": chance.choice((4, 15, 30)), "focused": False}
    pages = [many_pages(chance, setup)] if chance.random() < 0.7 else []
    setup["batch_size"] = chance.choice((None, None, 3, 100))
    refreshed = [Step("expire", a_seed(chance), {"tokens": chance.choice(("sync", None))})]
    return [
        *pages,
        Step("edit", a_seed(chance), many),
        Step("boxed", a_seed(chance), box),
        Step("edit", a_seed(chance), many),
        *(refreshed if chance.random() < 0.4 else ()),
        Step("boxed", a_seed(chance), box),
    ]


def a_delta_beyond_the_time_limit(chance: random.Random, setup: Json) -> list[Step]:
    """What has changed since the last run takes longer than the time limit of a run."""
    pages = many_pages(chance, setup)
    setup["behaviour"]["compaction"] = "none"
    return [
        pages,
        Step("run", a_seed(chance), calm_run(chance)),
        Step("edit", a_seed(chance), {"times": 60, "focused": True}),
        Step("boxed", a_seed(chance), {"pages": 3.0, "concurrency": chance.choice((1, 8))}),
    ]


def counted_items(chance: random.Random, setup: Json) -> list[Step]:
    """How many items are published is asked for while some are edited."""
    setup["counted"] = True
    steps = [Step("run", a_seed(chance), calm_run(chance))]
    for _ in range(3):
        numbers = sorted(chance.randint(5, 30) for _ in range(chance.choice((0, 2, 6))))
        edits = [[number, chance.choice(("before", "after")), a_seed(chance)] for number in numbers]
        steps.append(Step("run", a_seed(chance), {**calm_run(chance), "edits": edits}))
    return steps


def mapped_rows(chance: random.Random, setup: Json) -> list[Step]:
    """Stream maps filter, change and remove, while rows come and go."""
    setup["mapped"] = True
    lost = [Step("expire", a_seed(chance), {"tokens": None})] if chance.random() < 0.5 else []
    steps = [Step("run", a_seed(chance), calm_run(chance))]
    for _ in range(3):
        steps.append(Step("edit", a_seed(chance), {"times": chance.choice((2, 6)), "focused": chance.random() < 0.5}))
        steps.append(Step("run", a_seed(chance), {**calm_run(chance), "everywhere": chance.random() < 0.2}))
    return [*steps[:-2], *lost, *steps[-2:]]


EPISODES = (
    mapped_rows,
    counted_items,
    time_limits,
    a_delta_beyond_the_time_limit,
    an_untold_branch,
    a_silent_change,
    a_circle,
    shifted_pages,
    a_lost_access,
    a_lost_access_to_assets,
    a_lasting_miscount,
    a_refused_language,
    pages_of_others,
    a_column_selected_later,
    a_swept_table,
    a_lost_checkpoint,
    a_resumed_load,
    a_refused_page,
    a_throttled_start,
    a_flurry,
    a_tie,
    an_event_without_a_time,
    a_grown_stack,
    a_type_that_goes,
    a_restart_within_a_delta,
    other_fields,
    another_scope,
    another_scope,
    a_short_delta,
    a_short_load,
    an_incomplete_list,
    an_incomplete_list_to_count_by,
    a_new_locale,
    a_forgotten_locale,
)
