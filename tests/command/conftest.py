"""The stacks that the real command loads."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from sandbox import Sandbox, Stack, seeded_stack

IN_2024 = 1_717_200_000_000  # in milliseconds: a start date can lie before or after what the stack holds


@pytest.fixture(scope="module")
def site() -> t.Iterator[Sandbox]:
    """A stack of several pages that no test edits."""
    with Sandbox(seeded_stack(seed=11, entries=150), page_size=30) as sandbox:
        yield sandbox


@pytest.fixture
def small() -> t.Iterator[Sandbox]:
    """A stack to edit: three content types with an entry each, and an asset, all published to two locales."""
    stack = Stack(locales=("en-us", "fr-fr"), clock=itertools.count(IN_2024).__next__)
    fields = [{"uid": "title", "data_type": "text"}, {"uid": "price", "data_type": "number"}]
    for uid in ("page", "pet", "tag"):
        stack.add_content_type({"uid": uid, "schema": fields})
        stack.publish_entry(uid, f"{uid}1", {"title": "one", "price": 1.5}, ["en-us", "fr-fr"])
    stack.publish_asset("asset1", {}, ["en-us", "fr-fr"])
    with Sandbox(stack) as sandbox:
        yield sandbox
