"""One stream of all entries: the rows of the typed streams, their custom fields in one column."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sandbox import Sandbox, seeded_stack

SYSTEM = {"uid", "locale", "title", "url", "tags", "_version", "created_at", "created_by", "updated_at", "updated_by"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    with Sandbox(stack=seeded_stack(seed=11, entries=120)) as sandbox:
        result = {}
        for mode in ("per_content_type", "combined"):
            config = tmp_path_factory.mktemp("config") / "config.json"
            config.write_text(json.dumps({**sandbox.settings, "entry_streams": mode}))
            done = subprocess.run(
                [sys.executable, "-m", "tap_contentstack", "--config", str(config)], capture_output=True, check=True
            )
            messages = [json.loads(line) for line in done.stdout.splitlines()]
            result[mode] = {
                (message["record"]["uid"], message["record"]["_publish_locale"]): message["record"]
                for message in messages
                if message["type"] == "RECORD" and message["stream"].startswith("entries")
            }
        return result


def test_all_entries_are_in_it(rows):
    assert rows["combined"].keys() == rows["per_content_type"].keys()
    assert len(rows["combined"]) > 100


def test_links_are_those_that_the_content_types_tell(rows):
    links = {key: row["_references"] for key, row in rows["combined"].items()}
    assert links == {key: row["_references"] for key, row in rows["per_content_type"].items()}
    assert sum(map(len, links.values())) > 100


def test_custom_fields_are_in_one_column_and_system_fields_in_their_own(rows):
    for key, row in rows["combined"].items():
        typed = rows["per_content_type"][key]
        assert {name: row.get(name) for name in SYSTEM} == {name: typed.get(name) for name in SYSTEM}
        assert not SYSTEM & row["data"].keys()
