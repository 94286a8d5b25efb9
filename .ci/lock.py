"""Writes the lock files (`write`), or checks offline that they match what they are made from (`check`)."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Each lock file, with what it resolves: the project and its tools, and each environment of an integration or benchmark.
OTHERS = sorted(
    path.relative_to(ROOT) for each in ("integrations/*/*.in", "benchmarks/*.in") for path in ROOT.glob(each)
)
LOCKS = {"requirements-dev.txt": ["pyproject.toml", "--group", "dev"]} | {
    str(path.with_suffix(".txt")): [str(path)] for path in OTHERS
}
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]


def header(lock: str) -> str:
    """Return the first line of a lock file, with a digest of what it depends on."""
    wanted: list[object] = [PYPROJECT["project"]["requires-python"], PYPROJECT["tool"]["uv"]]
    source = LOCKS[lock][0]
    if source == "pyproject.toml":
        wanted += [PYPROJECT["project"]["dependencies"], PYPROJECT["dependency-groups"]]
    else:
        wanted += [(ROOT / source).read_text()]
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    return f"# Made by `make lock` from the dependencies in {source}, sha256:{digest}\n"


def write(*options: str) -> None:
    """Resolve the dependencies for all systems and Python versions, keeping locked versions that still fit.

    Args:
        options: More options for uv, such as --upgrade.
    """
    python = PYPROJECT["project"]["requires-python"].strip(">=")
    for lock, sources in LOCKS.items():
        command = [*COMPILE, "--python-version", python, *options, "--output-file", lock, *sources]
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)  # noqa: S603 - a fixed command
        lines = (ROOT / lock).read_text().splitlines(keepends=True)
        (ROOT / lock).write_text("".join([header(lock), *(line for line in lines if not line.startswith("#"))]))


def check() -> str | None:
    """Return a sentence about the first lock file that is wrong, or None."""
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        if not text.startswith(header(lock)):
            return f"{lock} does not match {LOCKS[lock][0]}: run `make lock`"
        if address := re.search(r"^.*(?:://|--(?:index|extra-index|find-links)).*$", text, re.MULTILINE):
            return f"{lock} names an address: {address[0]}"
    return None


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", *options]:
            write(*options)
        case ["check"]:
            sys.exit(check())
        case _:
            sys.exit(__doc__)
