"""The command line: errors end in one line on stderr and a non-zero exit code, not in a traceback."""

from __future__ import annotations

import logging
import os
import sys
import time

STARTED = time.time()  # before the imports, which take a noticeable part of a second

from singer_sdk.exceptions import SingerSDKError  # noqa: E402

from tap_contentstack.tap import TapContentstack  # noqa: E402


def main() -> None:
    """Run the tap with the command line's arguments."""
    TapContentstack.process_started = STARTED
    for variable in ("TAP_CONTENTSTACK_LOGLEVEL", "LOGLEVEL"):  # those that the SDK reads, in its order
        level = os.environ.get(variable) or "INFO"
        if level.upper() not in logging.getLevelNamesMapping():
            sys.exit(f"{variable} must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    try:
        TapContentstack.cli()
    except SingerSDKError as error:
        TapContentstack.logger.critical("%s", str(error).partition("\n")[0])
        sys.exit(1)


if __name__ == "__main__":
    main()
