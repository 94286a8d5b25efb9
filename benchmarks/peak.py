"""Runs a program and writes its peak memory and processor time to a file.

Arguments: the file, the program and its arguments.

A process starts with the peak of the process that it was made by, so what is to be profiled is made by this small one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(file: str, *command: str) -> int:
    """Return the program's exit code."""
    process = os.fork()
    if not process:
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    _, status, usage = os.wait4(process, 0)
    Path(file).write_text(f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
