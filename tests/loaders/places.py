"""Where loaders load to, and how it is read: by the SQL of the documentation."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import typing as t
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from psycopg.rows import dict_row

from tests.model.warehouse import as_json
from tests.tap_process import LIST_KEYS, LISTS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.tap_process import Output

Json: t.TypeAlias = dict[str, t.Any]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LOADERS = BIN.parent / "loaders"
SCHEMA = "contentstack"
PATIENCE = 120
STREAM = "entries_story"
"""The one in the documentation's SQL."""


@dataclass(frozen=True)
class Loader:
    """A loader, as `integrations/loaders/loaders.toml` describes it."""

    package: str
    command: str
    keeps: str
    settings: Json
    deleted: str
    outdated: str
    alters: list[str]
    bare_text: str
    environment: str | None = None

    @property
    def program(self) -> Path:
        return (LOADERS / self.environment / "bin" if self.environment else BIN) / self.command

    def __str__(self) -> str:
        return self.package + (", hard_delete" if self.settings.get("hard_delete") else "")


def described() -> list[Loader]:
    """Return all loaders that are described."""
    text = (ROOT / "integrations" / "loaders" / "loaders.toml").read_text()
    return [Loader(**each) for each in tomllib.loads(text)["loader"]]


class Place(t.Protocol):
    """What a loader loads into."""

    settings: Json

    def exact(self, stream: str) -> list[Json]:
        """Return the rows that the documentation's condition lets through."""

    def unflagged(self, stream: str) -> list[Json]:
        """Return the rows that are not flagged as deleted."""

    def flagged(self, stream: str) -> list[Json]:
        """Return the rows that are."""


def run(loader: Loader, place: Place, output: Output, folder: Path) -> Json:
    """Let a loader read an output; return the last state that it confirms."""
    done = attempt(loader, place, output.out, folder)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return t.cast("Json", json.loads(done.stdout.splitlines()[-1]))


def attempt(loader: Loader, place: Place, lines: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Let a loader read some lines."""
    path = folder / "target.json"
    path.write_text(json.dumps({**place.settings, **loader.settings}))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TARGET_", "AWS_"))}
    return subprocess.run(
        [loader.program, "--config", path],
        input=lines,
        capture_output=True,
        check=False,
        cwd=folder,
        env=clean,
        timeout=PATIENCE,
    )


def documented(page: str, begin: str) -> str:
    """Return the SQL block of a page that begins so."""
    text = (ROOT / "docs" / page).read_text()
    (block,) = (each for each in re.findall(r"^```sql\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) if begin in each)
    return block.strip().rstrip(";")


def of_stream(sql: str, stream: str) -> str:
    """Return the documentation's SQL for another stream."""
    assert STREAM in sql
    sql = sql.replace(STREAM, stream)
    if stream not in LISTS:
        return sql
    without = re.sub(r"\s+and \S*_sync_type\S* in \([^)]*\)", "", sql)
    assert without != sql
    if keys := re.search(r"(?<=partition by )(.*?'?)uid('?), .*_publish_locale'?", without):
        begin, end = keys.groups()
        without = without.replace(keys[0], ", ".join(f"{begin}{key}{end}" for key in LIST_KEYS[stream]))
    return without


# Tables


class InPostgres:
    """Tables of a Postgres."""

    def __init__(self, connection: psycopg.Connection, settings: Json) -> None:
        self.settings = settings
        self._connection = connection

    def exact(self, stream: str) -> list[Json]:
        return self._rows(of_stream(documented("warehouse.md", "where _load_version >="), stream))

    def unflagged(self, stream: str) -> list[Json]:
        return self._rows(f'select * from {SCHEMA}."{stream}" where _sdc_deleted_at is null')

    def flagged(self, stream: str) -> list[Json]:
        return self._rows(f'select * from {SCHEMA}."{stream}" where _sdc_deleted_at is not null')

    def _rows(self, sql: str) -> list[Json]:
        cursor: t.Any = self._connection.cursor(row_factory=dict_row)
        return [as_json(row) for row in cursor.execute(sql).fetchall()]


ANSWER = """
import datetime, duckdb, json, sys
for line in sys.stdin:
    path, sql = json.loads(line)
    with duckdb.connect(path, read_only=path != ":memory:") as connection:
        found = connection.sql(sql)
        columns = list(zip(found.columns, map(str, found.types)))
        rows = [[[*column, value] for column, value in zip(columns, row)] for row in found.fetchall()]
    print(json.dumps(rows, default=datetime.datetime.isoformat), flush=True)
"""


@cache
def duckdb_process() -> subprocess.Popen[str]:
    """Start a process in the environment that has DuckDB; it answers queries, one a line, until this one ends."""
    program = LOADERS / "duckdb" / "bin" / "python"
    return subprocess.Popen([program, "-c", ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask_duckdb(sql: str, path: str = ":memory:") -> list[Json]:
    """Return the rows of a query."""
    process = duckdb_process()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps([path, sql]) + "\n")
    process.stdin.flush()
    rows = json.loads(process.stdout.readline())
    return [{name: of_duckdb(kind, value) for name, kind, value in row} for row in rows]


def of_duckdb(kind: str, value: t.Any) -> t.Any:
    if value is None:
        return None
    match kind:
        case "JSON":
            return json.loads(value)
        case "TIMESTAMP":
            return f"{value}Z"
        case _:
            return value


def without_metadata(row: Json) -> Json:
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


class InDuckDB:
    """Tables of a DuckDB file."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "warehouse.duckdb")
        self.settings = {"path": self._path, "default_target_schema": SCHEMA}

    def exact(self, stream: str) -> list[Json]:
        return self._rows(of_stream(documented("warehouse.md", "where _load_version >="), stream))

    def unflagged(self, stream: str) -> list[Json]:
        return self._rows(f'select * from {SCHEMA}."{stream}" where _sdc_deleted_at is null')

    def flagged(self, stream: str) -> list[Json]:
        return self._rows(f'select * from {SCHEMA}."{stream}" where _sdc_deleted_at is not null')

    def _rows(self, sql: str) -> list[Json]:
        return [without_metadata(row) for row in ask_duckdb(sql, self._path)]


# Files


class InFiles:
    """Files of records, one for each stream and run."""

    block = "read_ndjson_objects"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "output"
        self.folder.mkdir()
        self.settings: Json = {"destination_path": str(self.folder)}

    def exact(self, stream: str) -> list[Json]:
        sql = self._sql()
        # A stream without any record has no file.
        return self._rows(of_stream(sql, stream)) if list(self.folder.glob(f"{stream}-*")) else []

    def unflagged(self, stream: str) -> list[Json]:
        sql = re.sub(r"\S*_load_version\S* >= \(.*?\)\n", "true\n", self._sql(), flags=re.DOTALL)
        assert "_load_version" not in sql
        return self._rows(of_stream(sql, stream))

    def flagged(self, stream: str) -> list[Json]:
        return self._rows(
            of_stream(self._sql().replace(" in ('entry_published'", " not in ('entry_published'"), stream)
        )

    def _sql(self) -> str:
        self.fetch()
        return documented("loaders.md", self.block).replace("'output/", f"'{self.folder}/")

    def fetch(self) -> None:
        """Have the files in the folder."""

    def _rows(self, sql: str) -> list[Json]:
        return [without_metadata(row["record"]) for row in ask_duckdb(sql)]


class InCsv(InFiles):
    """Files of lines of texts."""

    block = "read_csv"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings = {"output_path": str(self.folder)}

    def _rows(self, sql: str) -> list[Json]:
        return [without_metadata(row) for row in ask_duckdb(sql)]


class InS3(InFiles):
    """Objects of a bucket, which are copied into a folder to be read."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self._bucket = f"{url}/bucket"
        self.settings = {
            "s3_bucket": "bucket",
            "aws_endpoint_url": url,
            "aws_access_key_id": "any",
            "aws_secret_access_key": "any",
            "work_dir": str(folder),
        }
        ask("PUT", self._bucket)

    def fetch(self) -> None:
        listed = ElementTree.fromstring(ask("GET", self._bucket))  # noqa: S314 - of a server of our own
        for key in listed.iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key"):
            assert key.text
            path = self.folder / key.text
            if not path.exists():
                path.write_bytes(ask("GET", f"{self._bucket}/{quote(key.text)}"))


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"}


def ask(method: str, url: str) -> bytes:
    request = urllib.request.Request(url, method=method, headers=SIGNED)  # noqa: S310 - of a server of our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return t.cast("bytes", answer.read())


@contextmanager
def s3_server() -> Iterator[str]:
    """Serve S3 on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = LOADERS / "moto" / "bin" / "moto_server"
    process = subprocess.Popen(
        [program, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                ask("GET", url)
                break
            except urllib.error.URLError:
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
