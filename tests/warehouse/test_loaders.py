"""Two other people's targets take what the tap writes: meltanolabs-target-csv and pipelinewise-target-postgres."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from psycopg.rows import dict_row

from demo.postgres import Postgres
from sandbox import Sandbox, seeded_stack
from tests.tap_process import Output, Tables, load, published, run_tap

BIN = Path(sys.executable).parent
PIPELINEWISE = BIN.parent / "loaders/pipelinewise-target-postgres/bin/target-postgres"
ADDED = {"_publish_locale", "_content_type_uid", "_sync_type", "_sync_event_at", "_sdc_deleted_at", "_references"}


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seeded_stack(seed=19, entries=60)) as sandbox:
        yield sandbox


@pytest.fixture
def edited(sandbox) -> tuple[Output, Output, Tables]:
    """An initial run, edits, and a delta; with what is published then.

    Without the one column of custom JSON that holds bare texts: pipelinewise-target-postgres stops at these.
    """
    discovery = run_tap(sandbox.settings, "--discover")
    assert discovery.code == 0, discovery.err
    catalog = json.loads(discovery.out)
    (story,) = (each for each in catalog["streams"] if each["tap_stream_id"] == "entries_story")
    (layout,) = (each for each in story["metadata"] if each["breadcrumb"] == ["properties", "layout"])
    layout["metadata"]["selected"] = False
    first = load(sandbox, catalog=catalog)
    before = published(sandbox)
    (gone, locale), (changed, other), *_ = [key for key in before["entries_author"] if key[1] == "en-us"]
    sandbox.stack.unpublish_entry("author", gone, locale)
    sandbox.stack.publish_entry("author", changed, {"title": "Changed", "bio": 'quote " and\nline'}, [other])
    sandbox.stack.publish_asset("new", {"title": "New"}, ["en-us"])
    return first, load(sandbox, catalog=catalog, state=first.state), published(sandbox)


def run_target(program: Path, config: dict[str, t.Any], output: Output, folder: Path) -> dict[str, t.Any]:
    """Let a target read an output, and return the last state that it confirms."""
    path = folder / "target.json"
    path.write_text(json.dumps(config))
    process = subprocess.run(
        [program, "--config", path], input=output.out, capture_output=True, check=False, cwd=folder, timeout=60
    )
    assert process.returncode == 0, process.stderr.decode()
    return t.cast("dict[str, t.Any]", json.loads(process.stdout.splitlines()[-1]))


def test_target_csv_writes_each_row_into_files_of_its_own_and_confirms_the_state(edited, tmp_path):
    first, second, _ = edited
    config = {"output_path": str(tmp_path), "file_naming_scheme": "{stream_name}.csv"}
    for output in (first, second):
        assert run_target(BIN / "target-csv", config, output, tmp_path) == output.state
        for stream, count in output.record_counts.items():
            with (tmp_path / f"{stream}.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            assert len(rows) == count
            for row, record in zip(rows, output.records(stream), strict=True):
                assert row["uid"] == record["uid"]
                for column in {"_publish_locale", "title"} & row.keys():
                    assert row[column] == (record.get(column) or "")


def test_pipelinewise_target_postgres_holds_what_is_published_after_a_delta(edited, tmp_path):
    first, second, expected = edited
    with Postgres() as postgres, postgres.connect() as connection:
        server = postgres.settings
        config = {
            "host": server["host"],
            "port": server["port"],
            "user": server["user"],
            "password": server["password"],
            "dbname": server["database"],
            "default_target_schema": "contentstack",
            "hard_delete": True,
        }
        for output in (first, second):
            run_target(PIPELINEWISE, config, output, tmp_path)
        cursor = connection.cursor(row_factory=dict_row)
        for stream, table in expected.items():
            rows = cursor.execute(f'SELECT * FROM contentstack."{stream}"').fetchall()
            assert rows[0].keys() >= ADDED
            assert {(row["uid"], row["_publish_locale"]): row["title"] for row in rows} == {
                key: data["title"] for key, data in table.items()
            }
            assert len(rows) == len(table)
        for row in cursor.execute("SELECT * FROM contentstack.entries_story").fetchall():
            sent = expected["entries_story"][row["uid"], row["_publish_locale"]]
            assert row["body"] == sent["body"]
            assert row["gallery"] == sent["gallery"]
            assert row["score"] == pytest.approx(sent["score"])
            assert row["sponsored"] == sent["sponsored"]
            assert (row["dated"].isoformat(timespec="milliseconds") + "Z" if row["dated"] else None) == sent["dated"]
