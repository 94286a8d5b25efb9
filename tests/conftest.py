"""Fixtures that tests of several layers share."""

from __future__ import annotations

import signal
import typing as t

import pytest

from sandbox import Sandbox, seeded_stack

# Whoever runs the tests in the background (`make test &`) has SIGINT ignored in every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    """A served stack of a few items of each kind, for one test to edit and break."""
    with Sandbox(seeded_stack(seed=3, entries=20)) as sandbox:
        yield sandbox
