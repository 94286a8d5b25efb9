"""A stream map with alias, filter and computed key in a real Postgres: deletes and filtered rows leave the table."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

from psycopg.rows import dict_row

from demo.postgres import Postgres
from sandbox import Sandbox, Stack
from tests.tap_process import Output, load

TARGET = Path(sys.executable).parent / "target-postgres"
MAPS = {
    "entries_p": {
        "__alias__": "pages",
        "__filter__": "n is not None and n > 1",
        "__key_properties__": ["id"],
        "id": "uid + '/' + _publish_locale",
        "uid": "uid",
        "shout": "x.upper()",
        "__else__": None,
    },
}


def feed(output: Output, server: Postgres, folder: Path) -> None:
    path = folder / "target.json"
    path.write_text(json.dumps({**server.settings, "default_target_schema": "public"}))
    process = subprocess.run([TARGET, "--config", path], input=output.out, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr.decode()[-3000:]


def test_a_mapped_table_holds_what_is_published_as_the_map_makes_it(tmp_path):
    stack = Stack(locales=("en-us", "fr-fr"))
    fields = [{"uid": "x", "data_type": "text"}, {"uid": "n", "data_type": "number"}]
    stack.add_content_type({"uid": "p", "schema": fields})
    for uid in ("a", "b", "c", "d"):
        stack.publish_entry("p", uid, {"x": uid, "n": 2}, ["en-us", "fr-fr"])
    with Postgres() as server, server.connect() as connection, Sandbox(stack) as sandbox:
        connection.autocommit = True
        config: dict[str, t.Any] = {"stream_maps": MAPS}

        def live() -> dict[str, str]:
            cursor = connection.cursor(row_factory=dict_row)
            rows = cursor.execute("SELECT id, shout FROM pages WHERE _sdc_deleted_at IS NULL").fetchall()
            return {row["id"]: row["shout"] for row in rows}

        first = load(sandbox, **config)
        feed(first, server, tmp_path)
        assert live() == {f"{uid}/{locale}": uid.upper() for uid in "abcd" for locale in ("en-us", "fr-fr")}
        stack.publish_entry("p", "a", {"x": "a", "n": 1}, ["en-us"])
        stack.unpublish_entry("p", "b", "fr-fr")
        stack.delete_entry("p", "c")
        stack.publish_entry("p", "d", {"x": "new", "n": 3}, ["en-us"])
        feed(load(sandbox, state=first.state, **config), server, tmp_path)
        assert live() == {"a/fr-fr": "A", "b/en-us": "B", "d/en-us": "NEW", "d/fr-fr": "D"}
