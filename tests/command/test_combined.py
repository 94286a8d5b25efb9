"""One stream of all entries: the rows of the typed streams, their custom fields in one column."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sandbox import Fault, Sandbox, seeded_stack
from tests.tap_process import load

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


@pytest.mark.parametrize("removal", ["entry_deleted", "entry_unpublished"])
def test_a_removal_that_names_neither_content_type_nor_locale_is_applied(small, removal):
    config = {"entry_streams": "combined", "content_types": ["p*"]}
    first = load(small, **config)
    token = first.state["bookmarks"]["entries"]["replication_key_value"]
    item = {"type": removal, "event_at": "2030-01-01T00:00:00.000Z", "data": {"uid": "page1"}}
    body = json.dumps({"items": [item], "total_count": 1, "sync_token": "next"})
    small.stack.unpublish_entry("page", "page1", "fr-fr")
    small.faults.add(Fault(kind="html", status=200, body=body, path=f"sync_token={token}"))
    second = load(small, state=first.state, **config).check()
    assert set(second.tables(first)["entries"]) == {("page1", "en-us"), ("pet1", "en-us"), ("pet1", "fr-fr")}


@pytest.mark.parametrize(
    "extra",
    [
        {"stream_maps": {"entries": {"title": None}}},
        {"flattening_enabled": True, "flattening_max_depth": 1},
    ],
    ids=["stream maps", "flattening"],
)
def test_the_combined_stream_takes_part_in_all_of_it(site, extra):
    output = load(site, entry_streams="combined", **extra).check(history=True)
    expected = {(uid, locale) for _, uid, locale in site.published_entries()}
    assert set(output.tables()["entries"]) == expected
