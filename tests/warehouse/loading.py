"""Runs the tap into the real target-postgres, and reads the tables of a real Postgres."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml
from psycopg.rows import dict_row

from tests.tap_process import Json, Output, run_tap

if t.TYPE_CHECKING:
    from demo.postgres import Postgres
    from sandbox import Sandbox

COMMAND = Path(sys.executable).parent / "target-postgres"
PROJECT = yaml.safe_load((Path(__file__).parents[2] / "meltano.yml").read_text())
LOADER = next(each for each in PROJECT["plugins"]["loaders"] if each["name"] == "target-postgres")["config"]
PATIENCE = 180
"""Seconds after which a process counts as hanging; it takes three on an idle machine."""


@dataclass(frozen=True)
class Load:
    """One run of tap and target.

    Attributes:
        output: What the tap wrote.
        state: The last state that the target confirmed.
    """

    output: Output
    state: Json

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.output.err.splitlines() if "| WARNING" in line]


class Warehouse:
    """A Postgres, and target-postgres with the settings of meltano.yml; each schema is a warehouse of its own."""

    def __init__(self, server: Postgres, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.connection = server.connect()

    def run(
        self,
        sandbox: Sandbox,
        *schemas: str,
        state: object = None,
        catalog: object = None,
        target: Json | None = None,
        **config: object,
    ) -> Load:
        """Run the tap once, and a target for each schema, which gets ready meanwhile."""
        targets = [self._started(schema, target or {}) for schema in schemas]
        try:
            settings = {**sandbox.settings, **config}
            output = run_tap(settings, state=state, catalog=catalog, installed=True, timeout=PATIENCE)
            assert output.code == 0, output.err
            with ThreadPoolExecutor() as pool:
                states = list(pool.map(lambda process: self._fed(process, output), targets))
        finally:
            for process in targets:
                process.kill()
        return Load(output, states[0])

    def _started(self, schema: str, settings: Json) -> subprocess.Popen[bytes]:
        inserts = {"use_copy": False} if schema.startswith("inserted") else {}
        config = {**LOADER, **self._server.settings, "default_target_schema": schema, **inserts, **settings}
        path = self._folder / f"{schema}.json"
        path.write_text(json.dumps(config))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TARGET_POSTGRES_")}
        return subprocess.Popen(
            [COMMAND, "--config", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean,
        )

    @staticmethod
    def _fed(process: subprocess.Popen[bytes], output: Output) -> Json:
        states, log = process.communicate(output.out, timeout=PATIENCE)
        assert process.returncode == 0, log.decode()[-3000:]
        return t.cast("Json", json.loads(states.splitlines()[-1]))

    def rows(self, schema: str, table: str) -> dict[tuple[str, str], Json]:
        cursor = self.connection.cursor(row_factory=dict_row)
        found = cursor.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
        return {(row["uid"], row.get("_publish_locale", "")): row for row in found}

    def live(self, schema: str, table: str) -> set[str]:
        return {key[0] for key, row in self.rows(schema, table).items() if row["_sdc_deleted_at"] is None}

    def columns(self, schema: str, table: str) -> dict[str, str]:
        query = (
            "SELECT column_name, udt_name FROM information_schema.columns WHERE (table_schema, table_name) = (%s, %s)"
        )
        return dict(self.connection.execute(query, [schema, table]).fetchall())

    def tables(self, schema: str) -> set[str]:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        return {name for (name,) in self.connection.execute(query, [schema])}
