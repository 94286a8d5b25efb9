"""The load script with real Meltano, Postgres and S3: a load that takes several runs, some of which end badly.

`make ci-loads` runs this; it takes a minute or two.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import psutil
import pytest
import requests

from demo.__main__ import LISTS, tables
from demo.meltano import MeltanoProject
from demo.postgres import Postgres
from sandbox import Sandbox, seeded_stack

if t.TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv"
TIME_LIMIT = 5
"""Seconds; the whole load takes about three times as long."""
RUNS = 20
UNFINISHED = 75


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A local S3."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [VENV / "loaders/moto/bin/moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                requests.get(address, timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seeded_stack(seed=5, entries=120), page_size=8) as sandbox:
        sandbox.latency = 0.3
        yield sandbox


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def project(tmp_path, sandbox, postgres, s3) -> MeltanoProject:
    """A Meltano project with the load script, its state on S3, and a time limit that is too short."""
    requests.post(f"{s3}/moto-api/reset", timeout=10).raise_for_status()
    requests.put(f"{s3}/state", timeout=10).raise_for_status()
    tap = {**sandbox.settings, "max_run_seconds": TIME_LIMIT, "max_concurrency": 2}
    project = MeltanoProject(tmp_path, tap, postgres.settings)
    project.environment |= {
        "MELTANO_ENVIRONMENT": "dev",
        "MELTANO_STATE_BACKEND_URI": "s3://state/contentstack",
        "MELTANO_STATE_BACKEND_S3_ENDPOINT_URL": s3,
        "MELTANO_STATE_BACKEND_S3_AWS_ACCESS_KEY_ID": "key",
        "MELTANO_STATE_BACKEND_S3_AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "page.md"),
        "PATH": os.pathsep.join([str(VENV / "ci/bin"), project.environment["PATH"]]),
    }
    shutil.copy(HERE / "load.sh", tmp_path)
    return project


def started(project: MeltanoProject) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["./load.sh"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def load(project: MeltanoProject) -> tuple[int, str]:
    """Run the script to its end; return its exit code and what it printed."""
    process = started(project)
    out, _ = process.communicate(timeout=120)
    return process.returncode, out


def until_complete(project: MeltanoProject) -> list[int]:
    codes: list[int] = []
    while not codes or (codes[-1] and len(codes) < RUNS):
        code, out = load(project)
        assert code in {0, UNFINISHED}, out
        codes.append(code)
    return codes


def assert_postgres_holds_what_is_published(sandbox: Sandbox, postgres: Postgres) -> None:
    expected: dict[str, set[tuple[str, ...]]] = {"assets": set(sandbox.published_assets())}
    for content_type_uid, uid, locale in sandbox.published_entries():
        expected.setdefault(f"entries_{content_type_uid}", set()).add((uid, locale))
    with postgres.connect() as connection:
        found = {
            table: set(
                connection.execute(
                    f'select uid, _publish_locale from contentstack."{table}" where _sdc_deleted_at is null'
                ).fetchall()
            )
            for table in set(tables(connection)) - {*LISTS, "loads"}
        }
    assert {name: keys for name, keys in found.items() if keys} == expected


@pytest.mark.parametrize("place", ["s3", "file"])
def test_runs_with_a_time_box_complete_a_load_that_none_of_them_could(project, sandbox, postgres, place):
    if place == "file":
        project.environment["MELTANO_STATE_BACKEND_URI"] = f"file://{project.folder}/state"
    codes = until_complete(project)
    assert codes == [UNFINISHED] * (len(codes) - 1) + [0]
    assert len(codes) >= 3
    assert_postgres_holds_what_is_published(sandbox, postgres)
    page = (project.folder / "page.md").read_text()
    assert page.count("**unfinished** (exit code 75)") == len(codes) - 1
    assert page.count("**complete** (exit code 0)") == 1


def test_a_tap_that_is_killed_makes_the_job_red_and_the_next_runs_complete_the_load(project, sandbox, postgres):
    assert load(project)[0] == UNFINISHED
    pages = pages_of(sandbox)
    process = started(project)
    while not (taps := running_taps(process)) or pages_of(sandbox) < pages + 2:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    taps[0].kill()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1, out
    assert "load.sh: the tap did not come to its end" in out
    until_complete(project)
    assert_postgres_holds_what_is_published(sandbox, postgres)


def pages_of(sandbox: Sandbox) -> int:
    """Return how many pages have been asked for."""
    return sum(request.path == "/v3/stacks/sync" for request in sandbox.requests)


def running_taps(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes of the tap that load."""
    found = []
    for each in psutil.Process(process.pid).children(recursive=True):
        try:
            command = each.cmdline()
        except psutil.Error:
            continue
        if any(part.endswith("/tap-contentstack") for part in command) and "--discover" not in command:
            found.append(each)
    return found


def test_a_bucket_that_is_gone_at_the_end_makes_the_job_red(project, sandbox, postgres, s3):
    project.environment.pop("TAP_CONTENTSTACK_MAX_RUN_SECONDS")
    process = started(project)
    while pages_of(sandbox) < 5:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    requests.post(f"{s3}/moto-api/reset", timeout=10).raise_for_status()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1, out
    assert json.loads((project.folder / "summary.json").read_text())["outcome"] == "complete"
    requests.put(f"{s3}/state", timeout=10).raise_for_status()
    assert load(project)[0] == 0
    assert_postgres_holds_what_is_published(sandbox, postgres)


def test_a_wrong_token_makes_the_job_red_and_says_why(project):
    project.environment["TAP_CONTENTSTACK_ACCESS_TOKEN"] = "cswrong0123456789"
    code, out = load(project)
    assert code == 1
    assert "check access_token" in out.splitlines()[-1]
