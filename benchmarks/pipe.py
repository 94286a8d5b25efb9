"""The whole pipe into Postgres: whether the target is the limit, not the tap."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import yaml

from benchmarks.measure import LONGEST_RUN, ROOT, ProgramError, Server, run
from benchmarks.server import Stack
from benchmarks.table import Goal, Row

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.programs import Programs

TARGET = "target-postgres"
CONNECTION = {"host", "port", "user", "password", "database", "sqlalchemy_url", "default_target_schema"}


def into_postgres(programs: Programs, *, rounds: int = 3, pages: int = 100) -> Iterator[Row]:
    """The tap and the target at once, and the target alone with the same messages from a file."""
    row = Row(
        figure=f"the whole pipe, `tap-contentstack | {TARGET}`, {pages * 100:,} records",
        against="the target alone, fed from a file",
        goal=Goal(bound=1.2),
    )
    if problem := _missing():
        yield replace(row, missing=problem)
        return
    from demo.postgres import Postgres  # noqa: PLC0415 - only where it is there

    settings = target_settings()
    values = []
    with Server(Stack(pages=pages)) as server, Postgres() as postgres:
        command = programs.tap(server.url)
        messages = programs.folder / "messages.jsonl"
        messages.write_bytes(run(command, keep=True).output)
        for number in range(rounds):
            config = {**settings, **postgres.settings}
            alone = _load(programs, {**config, "default_target_schema": f"alone_{number}"}, messages)
            both = _load(programs, {**config, "default_target_schema": f"both_{number}"}, command)
            values.append(both / alone)
    yield replace(row, values=values)


def target_settings() -> dict[str, t.Any]:
    """Return what `meltano.yml` sets for the target, without where the database is."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    loaders = [loader for loader in project["plugins"]["loaders"] if loader["name"] == TARGET]
    return {
        name: value
        for name, value in (loaders[0].get("config", {}) if loaders else {}).items()
        if name not in CONNECTION and not (isinstance(value, str) and "$" in value)
    }


def _missing() -> str | None:
    if _target() is None:
        return f"{TARGET} is not installed"
    if not (ROOT / "meltano.yml").exists():
        return "there is no meltano.yml"
    if importlib.util.find_spec("demo.postgres") is None:
        return "there is no demo.postgres"
    return None


def _target() -> str | None:
    beside = Path(sys.executable).with_name(TARGET)
    return str(beside) if beside.exists() else shutil.which(TARGET)


def _load(programs: Programs, config: Mapping[str, t.Any], source: Path | Sequence[str]) -> float:
    """Return how many seconds the target takes from start to end, fed from a file or by a program."""
    path = programs.folder / "target.json"
    path.write_text(json.dumps(config))
    target = [_target() or TARGET, "--config", str(path)]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile())
        started = time.perf_counter()
        feeder = None
        if isinstance(source, Path):
            stdin: t.IO[bytes] | None = stack.enter_context(source.open("rb"))
        else:
            feeder = subprocess.Popen(source, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            stdin = feeder.stdout
        done = subprocess.run(
            target, stdin=stdin, stdout=subprocess.DEVNULL, stderr=log, timeout=LONGEST_RUN, check=False
        )
        seconds = time.perf_counter() - started
        if feeder is not None:
            if feeder.stdout:
                feeder.stdout.close()
            done.returncode = done.returncode or feeder.wait(timeout=LONGEST_RUN)
        if done.returncode:
            log.seek(0)
            msg = f"{TARGET} failed: {log.read().decode(errors='replace').strip()[-500:]}"
            raise ProgramError(msg)
    return seconds
