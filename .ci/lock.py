"""Make requirements-dev.txt from pyproject.toml (`write`), or say whether it is in step (`check`, offline)."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.txt"
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]


def digest() -> str:
    """Return the SHA-256 of everything in pyproject.toml that the lock follows from."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [project["project"]["requires-python"], project["project"]["dependencies"], project["dependency-groups"]]
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def header() -> str:
    """Return the lock's first line."""
    return f"# Made by `make lock` from the dependencies in pyproject.toml, sha256:{digest()}\n"


def write(*options: str) -> None:
    """Resolve the dependencies for every system and Python version, keeping the versions that still fit.

    Args:
        options: More options for uv, such as --upgrade.
    """
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].strip(">=")
    command = [*COMPILE, "--python-version", python, *options, "--group", "dev", "-o", LOCK.name, "pyproject.toml"]
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)  # noqa: S603 - a fixed command
    LOCK.write_text(header() + LOCK.read_text().removeprefix(header()))


def check() -> str | None:
    """Return what is wrong with the lock, if anything."""
    text = LOCK.read_text()
    if not text.startswith(header()):
        return f"{LOCK.name} is not in step with pyproject.toml: run `make lock`"
    if address := re.search(r"^.*(?:://|--(?:index|extra-index|find-links)).*$", text, re.MULTILINE):
        return f"{LOCK.name} names an address: {address[0]}"
    return None


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", *options]:
            write(*options)
        case ["check"]:
            sys.exit(check())
        case _:
            sys.exit(__doc__)
