"""`python -m tap_contentstack.sizes`: how many items an initial pass of each stream would bring."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tap_contentstack.sizes import sizes
from tap_contentstack.tap import TapContentstack


def variables(sandbox, **settings):
    given = {**sandbox.settings, **settings}
    return {**os.environ, **{f"TAP_CONTENTSTACK_{name.upper()}": str(value) for name, value in given.items()}}


def run(environment, *streams):
    return subprocess.run(
        [sys.executable, "-m", "tap_contentstack.sizes", *streams],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_stream_is_counted_with_one_request(sandbox):
    sandbox.behaviour = type(sandbox.behaviour)(history=False)
    found = sizes(TapContentstack(config=sandbox.settings))
    assert found["assets"] == len(sandbox.published_assets())
    assert found["entries_author"] == len(sandbox.published_entries("author"))
    assert "content_types" not in found
    assert len([each for each in sandbox.requests if each.path == "/v3/stacks/sync"]) == len(found)


def test_the_command_prints_the_streams_that_are_asked_for(sandbox):
    done = run(variables(sandbox), "entries_author", "assets")
    assert json.loads(done.stdout).keys() == {"entries_author", "assets"}


def test_what_is_refused_is_one_sentence(sandbox):
    done = run(variables(sandbox, access_token="other"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("the delivery token is refused")


def test_a_stream_that_does_not_exist_is_named(sandbox):
    done = run(variables(sandbox), "entries_author", "entries_typo")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no stream of entries or assets is named entries_typo: ")
