"""The stacks that the real command loads, and what a load and a discovery of the larger one give."""

from __future__ import annotations

import copy
import itertools
import json
import typing as t

import pytest

from sandbox import Sandbox, Stack, seeded_stack
from tests.tap_process import Json, Output, load, run_tap

IN_2024 = 1_717_200_000_000  # in milliseconds: a start date can lie before or after what the stack holds


@pytest.fixture(scope="module")
def site() -> t.Iterator[Sandbox]:
    """A stack of several pages that no test edits."""
    with Sandbox(seeded_stack(seed=11, entries=150), page_size=30) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def plain(site) -> Output:
    """A load of the site with nothing but its credentials."""
    return load(site).check(history=True)


@pytest.fixture(scope="module")
def discovered(site) -> Json:
    output = run_tap(site.settings, "--discover")
    assert output.code == 0, output.err
    return t.cast("Json", json.loads(output.out))


@pytest.fixture
def catalog(discovered) -> Json:
    """The site's catalog, to edit."""
    return copy.deepcopy(discovered)


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
