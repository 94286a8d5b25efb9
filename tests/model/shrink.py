"""Making a failing history short: steps are dropped and simplified as long as it fails in the same way."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from tests.model.divergence import DivergenceError
from tests.model.play import play

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.model.history import History
    from tests.model.process import MemoryTap
    from tests.model.steps import Step

ATTEMPTS = 400
PLAIN_RUN: dict[str, t.Any] = {
    "faults": [],
    "edits": [],
    "concurrency": 1,
    "lazy": False,
    "every_state": True,
    "cut": None,
    "stop_at": None,
    "page_size": 100,
    "few_checks": 10,
    "confirm": "last",
    "at_state": False,
    "everywhere": False,
    "short_page": None,
    "hidden_type": False,
    "lost_from": None,
    "overlay": {},
    "retract_at": None,
}
PLAIN_BEHAVIOUR: dict[str, t.Any] = {
    "order": "newest_first",
    "compaction": "none",
    "history": False,
    "deletes": "per_locale",
    "publish_details": "present",
    "empty_pages": False,
    "total_count": "right",
    "unchanged_token": "same",
    "unchanged_shape": "bare",
    "content_type_deleted_brings_entries": False,
    "title_on_unpublish": False,
    "asset_marker_on_unpublish": True,
    "ties": False,
    "untimed": False,
    "branch_told": True,
    "unknown_locale": "empty",
    "seed": 0,
}
PLAIN_SETUP: dict[str, t.Any] = {
    "types": 1,
    "locales": 1,
    "page_size": 100,
    "combined": False,
    "merging": False,
    "batch_size": None,
    "mapped": False,
}


def failure_of(history: History, *tap_class: type[MemoryTap]) -> str | None:
    """Return how a history fails, if it does."""
    try:
        play(history, *tap_class)
    except DivergenceError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a crash of the tap, or of the model, is a failure as well
        return f"{type(error).__name__}: {error}"
    return None


def shrink(history: History, failure: str, *tap_class: type[MemoryTap]) -> tuple[History, str]:
    """Return a history that is as short as could be made and fails in the same way, and how it fails."""
    kind, attempts = failure.partition(":")[0], 0
    progress = True
    while progress and attempts < ATTEMPTS:
        progress = False
        for candidate in candidates(history):
            attempts += 1
            found = failure_of(candidate, *tap_class)
            if found is not None and found.partition(":")[0] == kind:
                history, failure, progress = candidate, found, True
                break
            if attempts >= ATTEMPTS:
                break
    return history, failure


def candidates(history: History) -> Iterator[History]:
    """Yield histories that are a bit simpler, the boldest first."""
    steps = history.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(history, steps=(*steps[:start], *steps[start + size :]))
        size //= 2
    for name, plain in PLAIN_SETUP.items():
        if history.setup[name] != plain:
            yield replace(history, setup={**history.setup, name: plain})
    behaviour = history.setup["behaviour"]
    for name, plain in PLAIN_BEHAVIOUR.items():
        if behaviour[name] != plain:
            yield replace(history, setup={**history.setup, "behaviour": {**behaviour, name: plain}})
    for number, step in enumerate(steps):
        for simpler in simpler_steps(step):
            yield replace(history, steps=(*steps[:number], simpler, *steps[number + 1 :]))


def simpler_steps(step: Step) -> Iterator[Step]:
    plain = PLAIN_RUN if step.kind in {"run", "refresh"} else PLAIN_BEHAVIOUR if step.kind == "switch" else {}
    for name, value in plain.items():
        if step.details[name] != value:
            yield replace(step, details={**step.details, name: value})
    for name in ("faults", "edits"):
        several = step.details.get(name) or []
        if len(several) > 1:
            for number in range(len(several)):
                yield replace(step, details={**step.details, name: [*several[:number], *several[number + 1 :]]})
    if step.details.get("times", 1) > 1:
        yield replace(step, details={**step.details, "times": step.details["times"] - 1})
