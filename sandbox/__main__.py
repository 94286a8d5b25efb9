"""Serve a seeded stack, or an exported one: `python -m sandbox --port 8900 --export DIR`."""

from __future__ import annotations

import argparse
import errno
import shlex
import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from sandbox.admin import PREFIX
from sandbox.export import ExportError, load_export
from sandbox.seed import seeded_stack
from sandbox.service import Sandbox

if TYPE_CHECKING:
    from sandbox.stack import Stack


def main() -> int:
    """Serve until Ctrl-C or SIGTERM.

    The settings go to stdout as environment variables, ready to be sourced; everything else goes to stderr.
    """
    arguments = _arguments()
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox = Sandbox(_stack(arguments), page_size=arguments.page_size, port=arguments.port)
        sandbox.latency = arguments.latency
        sandbox.rate_limit = arguments.rate_limit
        sandbox.start()
    except ExportError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, OverflowError) as error:
        print(_unserved(arguments.port, error), file=sys.stderr)
        return 1
    for name, value in sandbox.settings.items():
        print(f"TAP_CONTENTSTACK_{name.upper()}={shlex.quote(str(value))}")
    sys.stdout.flush()
    print(f"Edit the stack at {sandbox.url}{PREFIX} (GET lists how). Press Ctrl-C to stop.", file=sys.stderr)
    stopped.wait()
    sandbox.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same stack")
    parser.add_argument("--entries", type=int, default=300, help="entries of the seeded stack")
    parser.add_argument("--page-size", type=int, default=100, help="items per page of the feed")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each response takes longer")
    parser.add_argument("--rate-limit", type=float, help="requests per second; those beyond get 429")
    parser.add_argument("--export", type=Path, metavar="DIR", help="a stack that Contentstack's CLI exported")
    parser.add_argument("--environment", help="of the export: name or uid; by default the one with the most content")
    return parser.parse_args()


def _stack(arguments: argparse.Namespace) -> Stack:
    if not arguments.export:
        return seeded_stack(seed=arguments.seed, entries=arguments.entries)
    export = load_export(arguments.export, arguments.environment)
    print(export.summary(), file=sys.stderr)
    return export.stack


def _unserved(port: int, error: Exception) -> str:
    """Say in one sentence why the port cannot be served."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: choose another (make sandbox PORT={port + 1}; PORT=0 picks a free one)."
    return f"Cannot serve on port {port}: {error} (choose another: make sandbox PORT=8900; PORT=0 picks a free one)."


if __name__ == "__main__":
    sys.exit(main())
