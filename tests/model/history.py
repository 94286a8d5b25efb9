"""Histories: random steps of a stack, a tap, a target and a scheduler, all from one seed."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

from tests.model.episodes import EPISODES
from tests.model.steps import (
    Json,
    Step,
    chance_of,
    make_behaviour,
    make_catalog,
    make_config,
    make_damage,
    make_edit,
    make_expiry,
    make_refresh,
    make_run,
    make_silence,
    make_switch,
    make_wait,
)

COUNTED = 0.25
"""The share of histories whose runs ask how many items are published."""
EPISODIC = 0.75
"""Share of histories with a sequence of steps that chance alone makes too seldom."""

Maker: t.TypeAlias = t.Callable[[random.Random, Json], Step]
PROFILES: dict[str, dict[Maker, int]] = {
    # Where nothing makes a stream start over, nothing heals what went wrong.
    "calm": {make_edit: 4, make_run: 5},
    "restarting": {make_edit: 4, make_run: 5, make_expiry: 3},
    "wild": {
        make_edit: 8,
        make_run: 10,
        make_config: 2,
        make_switch: 1,
        make_expiry: 1,
        make_damage: 2,
        make_refresh: 1,
        make_catalog: 1,
        make_wait: 1,
        make_silence: 1,
    },
}


@dataclass(frozen=True, slots=True)
class History:
    """A setup and its steps."""

    seed: int
    setup: Json
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join(
            [f"history {self.seed}: {self.setup}", *(f"  {n}. {step}" for n, step in enumerate(self.steps, 1))]
        )


def make_history(seed: int, length: int = 12, episode: str | None = None) -> History:
    """Return the history of a seed, with the episode of that name if one is given."""
    chance = chance_of("history", seed)
    setup: Json = {
        "locales": chance.choice((1, 2, 2, 3)),
        "types": chance.choice((1, 2, 2, 3)),
        "page_size": chance.choice((1, 1, 2, 2, 3, 5, 100)),
        "combined": chance.random() < 0.35,
        "merging": chance.random() < 0.4,
        "batch_size": chance.choice((1, 3, 100)) if chance.random() < 0.12 else None,
    }
    setup["mapped"] = False
    setup["counted"] = chance_of("counted", seed).random() < COUNTED
    setup["behaviour"] = make_behaviour(chance, setup["locales"])
    named = [each for each in EPISODES if each.__name__ == episode]
    played = chance.choice(named or EPISODES)(chance, setup) if named or chance.random() < EPISODIC else []
    makers = PROFILES[chance.choice(sorted(PROFILES))]
    steps = [make_run(chance, setup)] if chance.random() < 0.7 else []
    chosen = chance.choices(list(makers), list(makers.values()), k=chance.randint(3, length))
    steps += [maker(chance, setup) for maker in chosen]
    at = chance.randint(0, len(steps))
    steps[at:at] = played
    return History(seed, setup, tuple(steps))
