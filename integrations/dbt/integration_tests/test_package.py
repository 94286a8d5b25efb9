"""The dbt package on a sandbox: in Postgres by target-postgres, and in DuckDB by target-duckdb (`make dbt`)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import typing as t
from collections import Counter
from pathlib import Path

import pytest

from demo.postgres import Postgres
from sandbox import Sandbox, seeded_stack
from sandbox.site import field
from tap_contentstack.schema.names import stream_name
from tests.tap_process import published
from tests.warehouse.loading import Warehouse

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row: t.TypeAlias = tuple[t.Any, ...]

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
DBT = BIN.parent / "dbt" / "bin"
TARGET_DUCKDB = BIN.parent / "loaders" / "target-duckdb" / "bin" / "target-duckdb"
SCHEMA = "contentstack"
LONG_UID = f"Landing-Page_{'x' * 60}"
SPEAKING = "Shown as {{ env_var('HOME') }}: \"first\"\n- {% raw %}{# second"
GENERATE = next(
    block
    for block in re.findall(r"^```sh\n(.*?)^```$", (HERE.parent / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    if "generate_models" in block
)
PATIENCE = 240
"""Seconds after which a program counts as hanging; dbt takes ten on an idle machine."""


def sample_stack():
    """The stack of `make demo`, and a type with whatever is hard to write into a file of models."""
    stack = seeded_stack(seed=7, entries=300)
    fields = [
        field("title", "text"),
        field("rows_" + "y" * 50, "group", multiple=True, schema=[field("name", "text")]),
        {**field("note", "text"), "display_name": SPEAKING, "field_metadata": {"instruction": "Plain"}},
    ]
    stack.add_content_type({"uid": LONG_UID, "title": SPEAKING, "schema": fields})
    stack.publish_entry(LONG_UID, "bltlanding", {"title": "A", fields[1]["uid"]: [{"name": "B"}, {"name": "C"}]})
    return stack


def edit(sandbox: Sandbox) -> None:
    """Change the stack; some rows vanish without an event, and no token is left that could tell of them."""
    stack = sandbox.stack
    stories = sorted({uid for _, uid, _ in stack.published_entries("story")})
    authors = sorted({uid for _, uid, _ in stack.published_entries("author")})
    stack.unpublish_entry("story", stories[0], "en-us")
    stack.publish_entry("story", "bltnew", {"title": "New"}, ["en-us", "de-de"])
    stack.publish_asset("bltunused", {"title": "Unused"}, ["fr-fr"])
    stack.delete_entry("author", authors[0])
    sandbox.expire_tokens()


class Project:
    """A dbt project that uses the package, on one of the two warehouses."""

    def __init__(self, folder: Path, environment: dict[str, str], query: Callable[[str], list[Row]]) -> None:
        self.folder = folder
        self.query = query
        self._environment = environment

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.shell(shlex.join(["dbt", *arguments]))

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=self.folder,
            env={**os.environ, **self._environment, "PATH": os.pathsep.join([str(DBT), os.environ["PATH"]])},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def rows(self, model: str) -> list[Row]:
        return self.query(f"select * from analytics.contentstack__{model}")


def model_name(table: str) -> str:
    """Return the name of a model: names of more than 63 bytes are cut, and get a hash."""
    name = f"contentstack__{table}"
    return name if len(name) <= 63 else f"{name[:54]}_{hashlib.md5(name.encode()).hexdigest()[:8]}"  # noqa: S324


def load_duckdb(path: Path, folder: Path, output: bytes) -> None:
    config = folder / "target.json"
    config.write_text(json.dumps({"filepath": str(path), "default_target_schema": SCHEMA}))
    command = [str(TARGET_DUCKDB), "--config", str(config)]
    done = subprocess.run(command, input=output, cwd=folder, capture_output=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def query_duckdb(path: Path, sql: str) -> list[Row]:
    """Run a statement where DuckDB is installed: in dbt's environment."""
    code = "import duckdb, json, sys; path, sql = sys.argv[1:]\n"
    code += "print(json.dumps(duckdb.connect(path).execute(sql).fetchall(), default=str))"
    done = subprocess.run(
        [DBT / "python", "-c", code, path, sql], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return [tuple(row) for row in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(sample_stack()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def warehouses(sandbox, tmp_path_factory) -> Iterator[dict[str, Project]]:
    """Both warehouses after a load, edits, and a load; with models that were generated from them and built."""
    folder = tmp_path_factory.mktemp("loaders")
    file = folder / "warehouse.duckdb"
    with Postgres() as postgres:
        warehouse = Warehouse(postgres, folder)
        with warehouse.connection as connection:
            first = warehouse.run(sandbox, SCHEMA, count_published=True)
            load_duckdb(file, folder, first.output.out)
            edit(sandbox)
            second = warehouse.run(sandbox, SCHEMA, state=first.state, count_published=True)
            load_duckdb(file, folder, second.output.out)

            settings = {name.upper(): str(value) for name, value in postgres.settings.items()}
            settings["ENV_SECRET_PASSWORD"] = settings.pop("PASSWORD")
            settings |= {"PATH": str(file), "USE_COLORS": "false", "SEND_ANONYMOUS_USAGE_STATS": "false"}
            environment = {f"DBT_{name}": value for name, value in settings.items()}
            queries: dict[str, Callable[[str], list[Row]]] = {
                "postgres": lambda sql: connection.execute(sql).fetchall(),
                "duckdb": lambda sql: query_duckdb(file, sql),
            }
            yield {
                target: Project(folder / target, {**environment, "DBT_TARGET": target}, query)
                for target, query in queries.items()
            }


@pytest.fixture(scope="module", params=["postgres", "duckdb"])
def project(request, warehouses) -> Project:
    """A project as the README sets one up: the package, the generated models, `dbt build`."""
    project: Project = warehouses[request.param]
    shutil.copytree(HERE, project.folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    packages = project.folder / "packages.yml"
    packages.write_text(packages.read_text().replace("..", str(HERE.parent)))
    done = project.dbt("deps")
    assert done.returncode == 0, done.stdout
    done = project.shell(GENERATE)
    assert done.returncode == 0, done.stdout + done.stderr
    own = project.folder / "models" / "stories_in_french.sql"
    own.write_text("{{ contentstack.localized(source('contentstack', 'entries_story'), ['fr-fr', 'en-us']) }}")
    done = project.dbt("build")
    assert done.returncode == 0, done.stdout
    return project


@pytest.fixture
def stories(sandbox) -> dict[tuple[str, str], dict[str, t.Any]]:
    return t.cast("dict[tuple[str, str], dict[str, t.Any]]", published(sandbox)["entries_story"])


def test_each_model_of_a_type_has_the_rows_that_are_published(project, sandbox):
    tables = published(sandbox)
    tables[stream_name(LONG_UID)] = tables.pop(f"entries_{LONG_UID}")
    assert len(tables) == len(sandbox.stack.content_types) + 1
    for stream, items in tables.items():
        rows = project.query(f"select uid, _publish_locale from analytics.{model_name(stream)}")
        assert sorted(rows) == sorted(items)
    keys = project.query("select _content_type_uid, uid, _publish_locale from analytics.contentstack__all_entries")
    assert sorted(keys) == sorted(sandbox.published_entries())


def test_json_nulls_are_sql_nulls_and_technical_columns_are_left_out(project, stories):
    ((nulls,),) = project.query("select count(*) from analytics.contentstack__entries_story where seo is null")
    assert nulls == sum(story.get("seo") is None for story in stories.values()) > 0
    columns = project.query(
        "select column_name from information_schema.columns"
        " where table_schema = 'analytics' and table_name = 'contentstack__entries_story'"
    )
    names = {name for (name,) in columns}
    assert {"uid", "_publish_locale", "title", "sections", "updated_at"} <= names
    assert not {"_load_version", "_references", "_sync_type", "_unmapped", "_sdc_deleted_at", "acl"} & names


def test_blocks_and_elements_of_groups_are_rows(project, sandbox, stories):
    blocks = Counter(
        (uid, locale, position, kind)
        for (uid, locale), story in stories.items()
        for position, block in enumerate(story.get("sections") or [])
        for kind in block
    )
    sql = "select uid, _publish_locale, position, block from analytics.contentstack__entries_story__sections"
    rows = Counter(tuple(row) for row in project.query(sql))
    # What the content type no longer knows is in _unmapped.
    unmapped = {row[1:4] for row in project.rows("unmapped")}
    missing = {(uid, locale, f"sections[{position}].{kind}") for uid, locale, position, kind in blocks - rows}
    assert rows <= blocks
    assert missing
    assert all(
        any(key == (uid, locale) and path.startswith(gone) for *key_, path in unmapped if (key := tuple(key_)))
        for uid, locale, gone in missing
    )
    events = published(sandbox)["entries_event"].values()
    sessions = sum(len(event["sessions"]) for event in events if isinstance(event["sessions"], list))
    assert len(project.rows("entries_event__sessions")) == sessions


def test_a_locale_falls_back_to_another(project, stories):
    expected = {
        uid: "fr-fr" if (uid, "fr-fr") in stories else "en-us"
        for uid, locale in stories
        if locale in {"fr-fr", "en-us"}
    }
    assert len(set(expected.values())) == 2
    assert dict(project.query("select uid, _publish_locale from analytics.stories_in_french")) == expected


def test_broken_links_are_those_to_what_is_not_published(project, sandbox):
    alive = {uid for _, uid, _ in sandbox.published_entries()} | {uid for uid, _ in sandbox.published_assets()}
    links = project.rows("links")
    broken = {row for row in links if row[4] not in alive}
    assert broken
    assert set(project.rows("broken_links")) == broken


def test_assets_have_the_number_of_their_uses(project, sandbox):
    used = Counter(row[4] for row in project.rows("links") if row[5] == "sys_assets")
    rows = project.rows("asset_usage")
    assert {(row[0], row[1]): row[6] for row in rows} == {key: used[key[0]] for key in sandbox.published_assets()}
    assert {row[0]: row[5:] for row in rows}["bltunused"] == (0, 0)


def test_translations_say_of_each_locale_what_there_is(project, sandbox):
    entries = sandbox.published_entries()
    locales = {locale for *_, locale in entries}
    expected = {}
    for kind, uid in {(kind, uid) for kind, uid, _ in entries}:
        for locale in locales:
            data = entries.get((kind, uid, locale))
            status = "missing" if data is None else "translated" if data["locale"] == locale else "fallback"
            expected[kind, uid, locale] = status
    rows = {row[:3]: row[3] for row in project.rows("translations")}
    assert rows == expected
    assert set(rows.values()) == {"translated", "fallback", "missing"}


def test_what_editors_are_told_describes_columns_and_is_no_jinja(project):
    manifest = json.loads((project.folder / "target" / "manifest.json").read_text())
    (model,) = [node for name, node in manifest["nodes"].items() if "landing" in name and "note" in node["columns"]]
    text = model["columns"]["note"]["description"]
    assert text == f"{SPEAKING}. Plain".replace("{", "(").replace("}", ")")


def test_a_row_deleted_behind_its_back_and_values_that_do_not_fit_make_the_build_red(project):
    ((uid, locale),) = project.query("select uid, _publish_locale from analytics.contentstack__entries_topic limit 1")
    row = f"uid = '{uid}' and _publish_locale = '{locale}'"
    project.query(f"delete from {SCHEMA}.entries_topic where {row} returning uid")
    properties = project.folder / "models" / "contentstack" / "contentstack.yml"
    properties.write_text(properties.read_text().replace("at_most: 0.1", "at_most: 0.05"))
    done = project.dbt("build")
    assert done.returncode == 1, done.stdout
    results = json.loads((project.folder / "target" / "run_results.json").read_text())["results"]
    failed = {each["unique_id"].split(".")[2] for each in results if each["status"] == "fail"}
    assert failed == {
        "contentstack_source_matches_published_contentstack_entries_topic_",
        "contentstack_source_unmapped_share_contentstack_entries_author_0_05",
        "contentstack_source_unmapped_share_contentstack_entries_event_0_05",
        "contentstack_source_unmapped_share_contentstack_entries_story_0_05",
    }
