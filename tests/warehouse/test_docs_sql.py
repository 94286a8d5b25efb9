"""The SQL of the documentation, in its order, on a real Postgres that holds the sample stack."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from sandbox import Sandbox, seeded_stack

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = ("-- Snowflake", "-- BigQuery", "-- DuckDB")
"""There are no such warehouses to run these on; those for DuckDB are run by `tests/loaders/every_loader.py`."""
QUERIES = [
    pytest.param(sql, id=f"{page.name}: {' '.join(sql.split())[:50]}")
    for page in PAGES
    for sql in re.findall(r"^```sql\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    if not sql.startswith(NOT_RUN)
]
ADDED = {"title": "A", "sections": [{"quote": {"text": "…"}}]}

# The views of one page are used by its later queries.
pytestmark = pytest.mark.xdist_group("docs_sql")


@pytest.fixture(scope="module")
def connection(warehouse):
    stack = seeded_stack(seed=7, entries=120)
    story = next(data for key, data in stack.published_entries().items() if key[0] == "story")
    lost = [{"uid": "blt0000000000000000", "_content_type_uid": "author"}]
    odd = {**story, "uid": "blt000000000000odd1", "title": "Odd", "score": "high", "authors": lost}
    stack.publish_entry("story", odd.pop("uid"), odd, ["en-us"])
    stack.delete_entry("story", next(uid for kind, uid, _ in stack.published_entries() if kind == "story"))
    with Sandbox(stack) as sandbox:
        warehouse.run(sandbox, "contentstack", count_published=True)
        yield warehouse.connection


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_of_the_documentation_runs_and_finds_something(connection, sql):
    if sql.startswith("drop"):
        with connection.transaction(force_rollback=True):
            connection.execute(sql)
        return
    cursor: t.Any = connection.execute(sql)
    if not sql.startswith("create"):
        assert cursor.fetchall()
