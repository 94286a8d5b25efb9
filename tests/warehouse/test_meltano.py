"""From the stack to Postgres as a user does it: with real Meltano, and meltano.yml or the README's configuration."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import typing as t
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg.rows import dict_row

from demo.__main__ import LISTS, tables
from demo.meltano import FOREIGN, MELTANO_YML, RUN, MeltanoError, MeltanoProject
from sandbox import Sandbox, seeded_stack

ROOT = MELTANO_YML.parent
BIN = Path(sys.executable).parent
STATE = ".state/{environment}:tap-contentstack-to-target-postgres/state.json"


@pytest.fixture
def sandbox():
    with Sandbox(seeded_stack(seed=7, entries=120)) as sandbox:
        yield sandbox


@pytest.fixture
def project(tmp_path, sandbox, postgres):
    return MeltanoProject(tmp_path, sandbox.settings, postgres.settings)


def rows(connection, table) -> list[dict[str, t.Any]]:
    return connection.cursor(row_factory=dict_row).execute(f'SELECT * FROM contentstack."{table}"').fetchall()


def published(sandbox) -> dict[str, dict[tuple[str, str], dict[str, t.Any]]]:
    """Return what is published as tables: name to key to fields."""
    expected: dict[str, t.Any] = {f"entries_{uid}": {} for uid in sandbox.stack.content_types}
    expected["assets"] = sandbox.published_assets()
    for (content_type_uid, uid, locale), data in sandbox.published_entries().items():
        expected[f"entries_{content_type_uid}"][uid, locale] = data
    return expected


def equal(sent: t.Any, loaded: t.Any) -> bool:
    """Tell whether a column holds what the API sent: times in UTC, references as objects."""
    match loaded:
        case dt.datetime() if isinstance(sent, str):
            moment = dt.datetime.fromisoformat(sent)
            return loaded == (moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment)
        case Decimal() if sent is not None:
            return loaded == Decimal(str(sent))
        case {"uid": uid, "_content_type_uid": _} if isinstance(sent, str):
            return bool(sent == uid)
        case list() if isinstance(sent, list):
            return len(sent) == len(loaded) and all(map(equal, sent, loaded))
        case dict() if isinstance(sent, dict):
            return sent.keys() == loaded.keys() and all(equal(sent[name], loaded[name]) for name in sent)
    return bool(loaded == sent)


def live(connection, table) -> dict[tuple[str, str], dict[str, t.Any]]:
    found = rows(connection, table)
    return {(row["uid"], row["_publish_locale"]): row for row in found if row["_sdc_deleted_at"] is None}


def marked(connection) -> set[tuple[str, str]]:
    return {
        (row["uid"], row["_publish_locale"])
        for table in tables(connection)
        if table not in LISTS
        for row in rows(connection, table)
        if row["_sdc_deleted_at"] is not None
    }


def assert_postgres_holds_what_is_published(connection, sandbox) -> None:
    for table, expected in published(sandbox).items():
        loaded = live(connection, table)
        assert loaded.keys() == expected.keys(), table
        for key, item in expected.items():
            row = loaded[key]
            unmapped = {re.split(r"\W", path)[0] for path in row["_unmapped"] or {}}
            wrong = {
                field: (sent, row.get(field))
                for field, sent in item.items()
                if field not in unmapped and not equal(sent, row.get(field))
            }
            assert wrong == {}, (table, key)
    assert {row["uid"] for row in rows(connection, "content_types")} >= sandbox.stack.content_types.keys()


def now(connection) -> dt.datetime:
    return connection.execute("SELECT localtimestamp").fetchone()[0]


def test_postgres_follows_the_stack_run_after_run(project, sandbox, connection):
    stack = sandbox.stack
    project.run(*RUN)
    assert_postgres_holds_what_is_published(connection, sandbox)
    assert marked(connection) == set()
    assert (project.folder / STATE.format(environment="dev")).exists()

    stories = sorted(stack.published_entries("story"))
    changed, unpublished, deleted = (stories[number] for number in (0, len(stories) // 2, -1))
    gone = {key[1:] for key in stories if key[1] == deleted[1]} | {unpublished[1:]}
    asset = min(stack.published_assets())
    gone |= {key for key in stack.published_assets() if key[0] == asset[0]}
    stack.publish_entry(*changed[:2], {"title": "Changed"}, [changed[2]])
    stack.publish_entry("topic", "blt00000000000000aa", {"title": "New"}, stack.locales)
    stack.unpublish_entry(*unpublished)
    stack.delete_entry(*deleted[:2])
    stack.delete_asset(asset[0])
    project.run(*RUN)
    assert_postgres_holds_what_is_published(connection, sandbox)
    assert gone <= marked(connection)

    moment = now(connection)
    sandbox.requests.clear()
    project.run(*RUN)
    feeds = [request for request in sandbox.requests if request.path == "/v3/stacks/sync"]
    assert feeds
    assert all("sync_token" in request.params for request in feeds)
    written = {
        table for table in tables(connection) for row in rows(connection, table) if row["_sdc_batched_at"] > moment
    }
    assert written <= LISTS
    assert_postgres_holds_what_is_published(connection, sandbox)

    topic = min(stack.published_entries("topic"))
    swept = {key[1:] for key in stack.published_entries("topic") if key[1] == topic[1]}
    stack.delete_entry("topic", topic[1])
    project.run(*RUN, "--full-refresh")
    assert_postgres_holds_what_is_published(connection, sandbox)
    assert swept <= marked(connection)
    assert (project.folder / "meltano.yml").read_bytes() == MELTANO_YML.read_bytes()  # Meltano may rewrite its file


def test_with_hard_delete_a_sweep_removes_its_rows(project, sandbox, connection):
    """In the CI environment, with settings of every kind from environment variables."""
    chosen = {
        "TARGET_POSTGRES_HARD_DELETE": "true",
        "TAP_CONTENTSTACK_CONTENT_TYPES": '["story"]',
        "TAP_CONTENTSTACK_LOCALES": '["en-us", "fr-fr"]',
        "TAP_CONTENTSTACK_START_DATE": "2020-01-01",
        "TAP_CONTENTSTACK_MAX_CONCURRENCY": "2",
        "TAP_CONTENTSTACK_MAX_REQUESTS_PER_SECOND": "250.5",
        "TAP_CONTENTSTACK_REQUEST_TIMEOUT": "12.5",
    }
    project.run("--environment", "ci", *RUN, **chosen)
    assert (project.folder / STATE.format(environment="ci")).exists()
    before = published(sandbox)["entries_story"]
    story, _ = min(before)
    sandbox.stack.delete_entry("story", story)
    project.run("--environment", "ci", *RUN, "--full-refresh", **chosen)
    assert "entries_topic" not in tables(connection)
    expected = {key for key in before if key[0] != story and key[1] != "de-de"}
    assert live(connection, "entries_story").keys() == expected
    assert marked(connection) == set()


def test_the_readmes_configuration_works_as_pasted(tmp_path, postgres, connection):
    """… in a project of one's own, with what `make sandbox` prints; but the programs are those on the PATH already."""
    project = tmp_path / "project"
    project.mkdir()
    (pasted,) = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    begin = "default_environment: dev\nenvironments: [{name: dev}]\nsend_anonymous_usage_stats: false\n"
    (project / "meltano.yml").write_text(begin + re.sub(r"^ *pip_url: .*\n", "", pasted, flags=re.MULTILINE))
    serve = [sys.executable, "-u", "-m", "sandbox", "--port", "0", "--entries", "60"]
    with subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        try:
            assert served.stderr
            assert served.stdout
            served.stderr.readline()
            printed = [served.stdout.readline() for _ in range(4)]
            assert any(line.startswith("TAP_CONTENTSTACK_BASE_URL=") for line in printed)
            (project / "sandbox.env").write_text("".join(printed))
            kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
            target = {f"TARGET_POSTGRES_{name.upper()}": str(value) for name, value in postgres.settings.items()}
            commands = """
                set -a && . ./sandbox.env && set +a
                export TAP_CONTENTSTACK_LOCALES='["en-us", "fr-fr"]'
                meltano install
                meltano config test tap-contentstack
                meltano run tap-contentstack target-postgres
            """
            done = subprocess.run(
                ["/bin/sh", "-ec", commands],
                cwd=project,
                env={**kept, **target, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        finally:
            served.terminate()
    assert done.returncode == 0, done.stdout
    loaded = connection.execute("select distinct _publish_locale from contentstack.entries_story").fetchall()
    assert set(loaded) == {("en-us",), ("fr-fr",)}


def test_a_failing_run_fails_and_tells_why(project):
    with pytest.raises(MeltanoError, match="environment") as failure:
        project.run("invoke", "tap-contentstack", "--discover", TAP_CONTENTSTACK_ENVIRONMENT="no-such-environment")
    assert project.environment["TAP_CONTENTSTACK_ACCESS_TOKEN"] not in str(failure.value)
