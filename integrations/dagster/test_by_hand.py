"""Two shards with Meltano, as docs/scaling.md shows them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from demo.dagster import compare
from demo.meltano import MeltanoProject
from demo.postgres import Postgres
from sandbox import Sandbox, seeded_stack

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
(BLOCK,) = re.findall(r"^```sh\n(shard\(\).*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def run(project, script):
    done = subprocess.run(
        ["/bin/sh", "-ec", script],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_shards_at_once_load_everything(tmp_path):
    with (
        Sandbox(seeded_stack(seed=7, entries=100)) as sandbox,
        Postgres() as postgres,
        postgres.connect() as connection,
    ):
        project = MeltanoProject(tmp_path, sandbox.settings, postgres.settings)
        run(project, BLOCK.replace("&\n", "\n"))  # the first time one after the other, as the page says
        compare(sandbox, connection)
        sandbox.stack.publish_entry("topic", "blt0000000000000new", {"title": "A new topic"})
        sandbox.stack.delete_entry("story", next(uid for _, uid, _ in sandbox.stack.published_entries("story")))
        sandbox.requests.clear()
        run(project, BLOCK)
        compare(sandbox, connection)
        assert not any("init" in each.params for each in sandbox.requests), "a state was lost"
