"""A throw-away Meltano project around the tap, and its commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from contextlib import suppress
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping

MELTANO_YML = Path(__file__).resolve().parent.parent / "meltano.yml"
RUN = ("run", "tap-contentstack", "target-postgres")
GRACE_SECONDS = 5
TAIL_LINES = 20
# Variables with these prefixes belong to somebody's own project.
FOREIGN = ("MELTANO_", "TAP_CONTENTSTACK_", "TARGET_POSTGRES_", "SINGER_SDK_")


class MeltanoError(RuntimeError):
    """A Meltano command failed; the text is the end of its log."""


class MeltanoProject:
    """A throw-away project: a copy of meltano.yml. Its state and files are in its folder."""

    def __init__(self, folder: Path, tap: Mapping[str, t.Any], target: Mapping[str, t.Any]) -> None:
        """Set the project up.

        Args:
            folder: An empty folder.
            tap: Settings of the tap.
            target: Settings of target-postgres.
        """
        self.folder = folder
        self.log = folder / "meltano.log"
        shutil.copy(MELTANO_YML, folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = {
            **kept,
            **{f"TAP_CONTENTSTACK_{name.upper()}": str(value) for name, value in tap.items()},
            **{f"TARGET_POSTGRES_{name.upper()}": str(value) for name, value in target.items()},
            "MELTANO_PROJECT_ROOT": str(folder),
            "MELTANO_CLI_LOG_FORMAT": "uncolored",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }

    def run(self, *arguments: str, **environment: str) -> float:
        """Run a Meltano command. An interrupt also ends everything that it started.

        Args:
            arguments: The command's arguments.
            environment: Additional environment variables.

        Returns:
            How many seconds it took.

        Raises:
            MeltanoError: It failed.
        """
        started = time.monotonic()
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                ["meltano", *arguments],
                cwd=self.folder,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait()
            finally:
                _end_group(process)
        if process.returncode:
            lines = self.log.read_text(errors="replace").splitlines()
            msg = "\n".join([f"meltano {' '.join(arguments)} failed:", *lines[-TAIL_LINES:]])
            raise MeltanoError(msg)
        return time.monotonic() - started


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, which are in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
