"""Serve a seeded stack, or an exported one: `python -m sandbox --port 8900 --export DIR`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from threading import Event

from sandbox.admin import PREFIX
from sandbox.export import ExportError, load_export
from sandbox.seed import seeded_stack
from sandbox.service import Sandbox


def main() -> int:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=300)
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--export", type=Path, metavar="DIR", help="a stack that Contentstack's CLI exported")
    parser.add_argument("--environment", help="of the export: name or uid; by default the one with the most content")
    arguments = parser.parse_args()

    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        if arguments.export:
            export = load_export(arguments.export, arguments.environment)
            print(export.summary(), file=sys.stderr)
            stack = export.stack
        else:
            stack = seeded_stack(seed=arguments.seed, entries=arguments.entries)
    except ExportError as error:
        print(error, file=sys.stderr)
        return 1
    sandbox = Sandbox(stack, page_size=arguments.page_size, port=arguments.port)
    try:
        sandbox.start()
    except OSError as error:
        print(f"Cannot serve on port {arguments.port}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(sandbox.settings))
    for name, value in sandbox.settings.items():
        print(f"TAP_CONTENTSTACK_{name.upper()}={value}")
    print(f"Edit it at {sandbox.url}{PREFIX}; stop it with Ctrl-C.", file=sys.stderr)
    sys.stdout.flush()
    stopped.wait()
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
