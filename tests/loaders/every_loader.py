"""Every loader through the life of a stack (`make loaders`): read as documented, each holds exactly what is published.

It takes minutes, so it is not among the tests that `make test` runs.
"""

from __future__ import annotations

import json
import sys

import pytest

from demo.postgres import Postgres
from tests.loaders.comparison import differences, keys
from tests.loaders.places import (
    SCHEMA,
    InCsv,
    InDuckDB,
    InFiles,
    InPostgres,
    InS3,
    attempt,
    described,
    run,
    s3_server,
)
from tests.loaders.scenario import FIRST_SWEEP, of_environment, play, with_a_bare_text, with_texts
from tests.tap_process import LOADS

NO_WHEEL = pytest.mark.skipif(sys.version_info >= (3, 13), reason="the last DuckDB that it works with has no wheel")
LOADERS = [
    pytest.param(each, id=str(each), marks=NO_WHEEL if each.package == "target-duckdb" else ()) for each in described()
]


@pytest.fixture(scope="module")
def phases():
    return play()


@pytest.fixture
def place(request, tmp_path):
    match request.getfixturevalue("loader").keeps:
        case "postgres" | "pipelinewise" as kind:
            with Postgres() as server, server.connect() as connection:
                settings = {**server.settings, "default_target_schema": SCHEMA}
                if kind == "pipelinewise":
                    settings["dbname"] = settings.pop("database")
                yield InPostgres(connection, settings)
        case "duckdb":
            yield InDuckDB(tmp_path)
        case "jsonl":
            yield InFiles(tmp_path)
        case "csv":
            yield InCsv(tmp_path)
        case "s3":
            with s3_server() as url:
                yield InS3(tmp_path, url)


@pytest.mark.parametrize("loader", LOADERS)
def test_read_as_documented_it_holds_what_is_published(loader, place, phases, tmp_path):
    swept = False
    for phase in phases:
        assert run(loader, place, phase.output, tmp_path) == phase.output.state
        assert list(differences(phase, loader, place)) == [], phase.name
        swept |= phase.name == FIRST_SWEEP
        unflagged = {stream: keys(place.unflagged(stream), stream) for stream in phase.items}
        expected = {stream: set(events) for stream, events in phase.items.items()}
        assert (unflagged == expected) == (loader.outdated != "stays" or not swept), phase.name
        if phase.name == "deletes":
            assert bool(place.flagged("entries_author")) == (loader.deleted == "flagged")
            flagged = len(place.flagged("entries_story"))
        if phase.name == FIRST_SWEEP:
            assert (len(place.flagged("entries_story")) > flagged) == (loader.outdated == "flagged")


@pytest.mark.parametrize("loader", LOADERS)
def test_a_bare_text_in_a_custom_field(loader, place, tmp_path):
    done = attempt(loader, place, with_a_bare_text().out, tmp_path)
    match loader.bare_text:
        case "loads":
            assert done.returncode == 0, done.stderr.decode()
            assert "plain" in [row["layout"] for row in place.exact("entries_page")]
        case "stored without quotes":
            assert done.returncode == 0, done.stderr.decode()
            with pytest.raises(json.JSONDecodeError):
                place.exact("entries_page")
        case "stops the load":
            assert done.returncode != 0
            assert "plain" in done.stderr.decode()
            run(loader, place, with_a_bare_text("layout"), tmp_path)
            assert keys(place.exact("entries_page"), "entries_page") == {("object", "en-us"), ("text", "en-us")}


def test_two_pipelines_into_one_schema_remove_each_others_rows(tmp_path):
    """And `loads` shows whose rows are left."""
    loader = next(each for each in described() if each.outdated == "removed")
    with Postgres() as server, server.connect() as connection:
        place = InPostgres(connection, {**server.settings, "default_target_schema": SCHEMA})
        for environment in ("production", "staging"):
            output = of_environment(environment)
            run(loader, place, output, tmp_path)
            assert {row["environment"] for row in place.unflagged(LOADS)} == {environment}
            assert {row["title"] for row in place.unflagged("entries_page")} == {environment}


@pytest.mark.parametrize(
    ("columns", "settings", "loads"),
    [
        pytest.param(450, {}, False, id="too many columns of their own"),
        pytest.param(450, {"entry_streams": "combined"}, True, id="in one column"),
    ],
)
def test_a_row_of_postgres_holds_some_hundred_texts(columns, settings, loads, tmp_path):
    loader = described()[0]
    with Postgres() as server, server.connect() as connection:
        place = InPostgres(connection, {**server.settings, "default_target_schema": SCHEMA})
        done = attempt(loader, place, with_texts(columns, **settings).out, tmp_path)
        assert (done.returncode == 0) == loads
        assert loads or b"row is too big" in done.stderr
