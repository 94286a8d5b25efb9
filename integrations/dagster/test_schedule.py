"""What `make dagster` shows, checked, and what else Dagster has to do for the load. `make dagster-test` runs this."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from demo.dagster import GONE, NEW, compare, dagster_settings, started
from demo.dagster_dev import DAGSTER, PROJECT, wait_for
from demo.postgres import Postgres
from sandbox import Sandbox, seeded_stack
from tests.tap_process import LISTS

ENTRIES = {"entries_author", "entries_site_settings", "entries_story", "entries_topic", f"entries_{NEW}"}


@pytest.fixture(scope="module")
def story():
    with started() as story:
        story.play()  # raises if a run fails, or the tables are not what is published
        yield story
    assert story.dagster.processes() == [], "something still runs"


def test_only_the_shard_whose_process_was_killed_was_started_again(story):
    again = {step for step, attempts in story.attempts.items() if attempts > 1}
    assert again == {story.victim}


def test_there_was_more_than_one_shard(story):
    assert sum(step.startswith("load_production") for step in story.attempts) > 1


def test_streams_come_and_go_with_the_stack(story):
    assert story.dagster.streams() == {"assets", *LISTS, *ENTRIES}
    assert f"entries_{GONE}" not in story.dagster.streams()


def test_two_runs_never_load_at_once(story):
    launched = [story.dagster.launch(), story.dagster.launch()]

    def both():
        runs = [run for run in story.dagster.runs() if run.run_id in launched]
        return runs if all(run.ended for run in runs) else None

    first, second = sorted(wait_for("both runs to end", both), key=lambda run: run.started)
    assert (first.status, second.status) == ("SUCCESS", "SUCCESS")
    assert second.started >= first.ended


def test_a_load_that_is_longer_than_its_time_box_continues_in_the_next_try(tmp_path):
    with Sandbox(seeded_stack(seed=7, entries=200), page_size=10) as sandbox, Postgres() as postgres:
        sandbox.latency = 1.0
        environment = {
            **os.environ,
            **dagster_settings(sandbox, postgres, tmp_path),
            "CONTENTSTACK_SHARDS": "1",
            "DAGSTER_HOME": str(tmp_path),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "TAP_CONTENTSTACK_MAX_RUN_SECONDS": "15",
        }
        (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
        done = subprocess.run(
            [DAGSTER, "job", "execute", "-m", "contentstack_dagster.definitions", "-j", "contentstack_production"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr[-5000:]
        lists = [each for each in sandbox.requests if each.path == "/v3/content_types"]
        assert len(lists) > len({"discovery", "sizes", "lists", "the first try of the shard"})
        begun = Counter(each.params.get("content_type_uid") for each in sandbox.requests if "init" in each.params)
        assert set(begun.values()) == {len({"sizes", "load"})}, "a try began anew rather than continued"
        with postgres.connect() as connection:
            compare(sandbox, connection)
