"""The SQL of the documentation, on a real Postgres that holds the sandbox's stack."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from sandbox import Sandbox, seeded_stack
from tests.tap_process import published

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = ("-- Snowflake", "-- BigQuery", "-- DuckDB")
"""There are no such warehouses to run these on; those for DuckDB are run by `tests/loaders/every_loader.py`."""
SQL = {
    f"{page.name}: {' '.join(sql.split())[:50]}": sql
    for page in PAGES
    for sql in re.findall(r"^```sql\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    if not sql.startswith(NOT_RUN)
}
VIEWS = {name: sql for name, sql in SQL.items() if sql.startswith("create")}
QUERIES = SQL.keys() - VIEWS.keys()
ADDED = {"title": "A", "sections": [{"quote": {"text": "…"}}]}


@pytest.fixture(scope="module")
def sandbox():
    stack = seeded_stack(seed=7, entries=120)
    story = next(data for key, data in stack.published_entries().items() if key[0] == "story")
    lost = [{"uid": "blt0000000000000000", "_content_type_uid": "author"}]
    odd = {**story, "title": "Odd", "score": "high", "authors": lost}
    del odd["uid"], odd["publish_details"]
    stack.publish_entry("story", "blt000000000000odd1", odd, ["en-us"])
    stack.delete_entry("story", next(uid for kind, uid, _ in stack.published_entries() if kind == "story"))
    with Sandbox(stack) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def connection(warehouse, sandbox):
    warehouse.run(sandbox, "contentstack", count_published=True)
    # Queries use the views that stand before them on their page.
    for sql in VIEWS.values():
        warehouse.connection.execute(sql)
    return warehouse.connection


@pytest.fixture(scope="module")
def stories(sandbox):
    return published(sandbox)["entries_story"]


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_of_the_documentation_runs_and_finds_something(connection, name):
    with connection.transaction(force_rollback=True):
        found: t.Any = connection.execute(SQL[name])
        assert found.rowcount > 0 or SQL[name].startswith("drop")


def test_live_stories_have_sql_nulls(connection, stories):
    rows = connection.execute("select uid, _publish_locale, seo from contentstack.live_stories").fetchall()
    assert {(uid, locale): seo for uid, locale, seo in rows} == {key: data.get("seo") for key, data in stories.items()}
    (nulls,) = connection.execute("select count(*) from contentstack.live_stories where seo is null").fetchone()
    assert nulls == sum(data.get("seo") is None for data in stories.values()) > 0


def test_broken_links_are_those_to_what_is_published_nowhere(connection, sandbox):
    alive = {uid for _, uid, _ in sandbox.published_entries()} | {uid for uid, _ in sandbox.published_assets()}
    links = connection.execute("select * from contentstack.story_links").fetchall()
    broken = connection.execute("select * from contentstack.broken_story_links").fetchall()
    assert sorted(broken) == sorted(link for link in links if link[3] not in alive)
    assert broken


def test_each_cover_has_its_file_name_and_url(connection, sandbox, stories):
    assets = sandbox.published_assets()
    files = {uid: {(one["filename"], one["url"]) for key, one in assets.items() if key[0] == uid} for uid, _ in assets}
    expected = {key for key, data in stories.items() if data.get("cover") in files}
    rows = connection.execute("select * from contentstack.story_covers").fetchall()
    assert sorted(row[:2] for row in rows) == sorted(expected)
    for uid, locale, title, *file in rows:
        story = stories[uid, locale]
        assert title == story["title"]
        assert tuple(file) in files[story["cover"]]
        if same := assets.get((story["cover"], locale)):
            assert file == [same["filename"], same["url"]]


def test_each_block_is_a_row(connection, stories):
    known = {"paragraph", "picture", "teasers", "snippet"}
    expected = {
        (uid, locale, position, name)
        for (uid, locale), story in stories.items()
        for position, section in enumerate(story.get("sections") or [])
        for name in section.keys() & known
    }
    rows = connection.execute("select uid, _publish_locale, position, block from contentstack.story_blocks").fetchall()
    assert set(rows) == expected
    assert len(rows) == len(expected)
