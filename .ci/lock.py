"""Make the locks from pyproject.toml (`write`), or say whether they are in step with it (`check`, offline)."""

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
# A lock, and what of pyproject.toml goes into it.
LOCKS = {
    "requirements-dev.txt": ["pyproject.toml", "--group", "dev"],
    "requirements-loaders.txt": ["--group", "loaders"],
}
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]


def header() -> str:
    """Return a lock's first line, with a digest of everything in pyproject.toml that the locks follow from."""
    project = PYPROJECT["project"]
    wanted = [
        project["requires-python"],
        project["dependencies"],
        PYPROJECT["dependency-groups"],
        PYPROJECT["tool"]["uv"],
    ]
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    return f"# Made by `make lock` from the dependencies in pyproject.toml, sha256:{digest}\n"


def write(*options: str) -> None:
    """Resolve the dependencies for every system and Python version, keeping the versions that still fit.

    Args:
        options: More options for uv, such as --upgrade.
    """
    python = PYPROJECT["project"]["requires-python"].strip(">=")
    for lock, sources in LOCKS.items():
        command = [*COMPILE, "--python-version", python, *options, "--output-file", lock, *sources]
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)  # noqa: S603 - a fixed command
        lines = (ROOT / lock).read_text().splitlines(keepends=True)
        (ROOT / lock).write_text("".join([header(), *(line for line in lines if not line.startswith("#"))]))


def check() -> str | None:
    """Return what is wrong with a lock, if anything."""
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        if not text.startswith(header()):
            return f"{lock} is not in step with pyproject.toml: run `make lock`"
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
