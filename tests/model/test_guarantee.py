"""Whatever happens, a target ends up holding what is published: many histories, each made from its seed."""

from __future__ import annotations

import os

import pytest

from tests.model.history import make_history
from tests.model.shrink import failure_of, shrink

HISTORIES = int(os.environ.get("GUARANTEE_HISTORIES", "80"))
FIRST = int(os.environ.get("GUARANTEE_SEED", "0"))
BATCH = 10


@pytest.mark.parametrize("first", range(FIRST, FIRST + HISTORIES, BATCH))
def test_every_history_ends_with_the_target_holding_what_is_published(first):
    for seed in range(first, first + BATCH):
        history = make_history(seed)
        if (failure := failure_of(history)) is not None:
            short, failure = shrink(history, failure)
            pytest.fail(f"{failure}\n{short}", pytrace=False)


def test_a_history_replays_exactly():
    assert make_history(7) == make_history(7)
