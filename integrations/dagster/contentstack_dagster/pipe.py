"""One run of `tap | target`, and what it came to."""

from __future__ import annotations

import json
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Json: t.TypeAlias = dict[str, t.Any]

# However this process ends, the watchdog's pipe closes, and the watchdog kills the tap and the target: a retry
# must not find them still writing.
WATCHDOG = 'cat > /dev/null; kill -s KILL -- "-$0"'


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        code: The target's exit code if it failed, otherwise the tap's: 75 is unfinished, run again.
        summary: What the tap wrote to `summary_path`. Without streams if it did not get that far, or if the target
            failed, as then nobody knows which rows have arrived.
    """

    code: int
    summary: Json = field(default_factory=lambda: {"streams": {}, "reason": None, "seconds": 0})

    @property
    def reason(self) -> str:
        """Why the run is not complete."""
        return self.summary["reason"] or f"tap or target failed with exit code {self.code}: see the log of this step"


def run(
    tap: Sequence[str],
    target: Sequence[str],
    environment: Mapping[str, str],
    *,
    catalog: Json,
    state: Json,
    confirm: Callable[[Json, Json], None],
) -> Ending:
    """Run the tap into the target; both log to this process's stderr.

    Args:
        tap: Its command.
        target: Its command.
        environment: Variables with their settings.
        catalog: The streams to load.
        state: Where to begin.
        confirm: Gets the last state that the target confirmed, and the summary's streams. However the run ends, unless
            this process is killed.
    """
    with tempfile.TemporaryDirectory(prefix="contentstack-") as name:
        folder = Path(name)
        files = {"catalog": folder / "catalog.json", "state": folder / "state.json"}
        files["catalog"].write_text(json.dumps(catalog))
        files["state"].write_text(json.dumps(state))
        summary, states = folder / "summary.json", folder / "states"
        options = [f"--{option}={path}" for option, path in files.items()]
        environment = {**environment, "TAP_CONTENTSTACK_SUMMARY_PATH": str(summary)}
        failed = True
        with states.open("wb") as confirmed:
            tapping = subprocess.Popen(
                [*tap, "--config=ENV", *options], env=environment, stdout=subprocess.PIPE, process_group=0
            )
            programs = [tapping]
            try:
                programs.append(
                    subprocess.Popen(
                        [*target, "--config=ENV"],
                        env=environment,
                        stdin=tapping.stdout,
                        stdout=confirmed,
                        process_group=tapping.pid,
                    )
                )
                if tapping.stdout:
                    tapping.stdout.close()  # so that the tap notices if the target ends
                _guard(programs)
                failed = programs[-1].returncode != 0
            finally:
                # If the step is interrupted, the tap ends with a true state, and the target writes what it has.
                _end(programs)
                code = programs[-1].returncode or tapping.returncode
                ended = Ending(code, *([] if failed else _json_of(summary)))
                if state := _last_state(states):
                    confirm(state, ended.summary["streams"])
    return ended


def _guard(programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for the programs to end, with a watchdog."""
    with subprocess.Popen(["/bin/sh", "-c", WATCHDOG, str(programs[0].pid)], stdin=subprocess.PIPE) as watchdog:
        try:
            for program in programs:
                program.wait()
        finally:
            _end(programs)
            watchdog.kill()


def _end(programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop the tap, which is the first, if it still runs, and wait until the target has written what it got."""
    programs[0].terminate()
    for program in programs:
        program.wait()


def _json_of(path: Path) -> list[Json]:
    return [json.loads(path.read_text())] if path.exists() else []


def _last_state(path: Path) -> Json | None:
    """Return the last whole state; a target that was killed may have left half a line."""
    for line in reversed(path.read_bytes().splitlines()):
        try:
            state: Json = json.loads(line)
        except ValueError:
            continue
        if isinstance(state, dict) and "bookmarks" in state:
            return state
    return None
