"""The command line: it runs the tap, and an error ends in one line and an exit code, not in a traceback."""

from __future__ import annotations

import gc
import logging
import logging.config
import os
import sys
import time
from pathlib import Path

STARTED = time.time()  # before the imports, which take a noticeable part of a second
gc.disable()  # what the imports create is permanent: scanning it, now and at exit, takes 0.15 s of an empty run

from singer_sdk.exceptions import SingerSDKError  # noqa: E402

from tap_contentstack.tap import TapContentstack  # noqa: E402
from tap_contentstack.values.texts import one_line  # noqa: E402

gc.freeze()
gc.enable()


def main() -> None:
    """Run the tap with the command line's arguments."""
    TapContentstack.process_started = STARTED
    _check_logging()
    try:
        TapContentstack.cli()
    except SingerSDKError as error:
        TapContentstack.logger.critical("%s", str(error).partition("\n")[0])
        sys.exit(1)


def _check_logging() -> None:
    """Exit if an environment variable that the SDK sets its logging up with has a mistake."""
    for variable in ("TAP_CONTENTSTACK_LOGLEVEL", "LOGLEVEL"):
        level = os.environ.get(variable) or "INFO"
        if level.upper() not in logging.getLevelNamesMapping():
            sys.exit(f"{variable} must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    path = os.environ.get("SINGER_SDK_LOG_CONFIG", "")
    if not path.strip():  # blank is unset
        os.environ.pop("SINGER_SDK_LOG_CONFIG", None)
        return
    if not Path(path).exists():  # of which the SDK warns
        return
    import yaml  # noqa: PLC0415 - few runs need it, and it takes a while

    try:
        logging.config.dictConfig(yaml.safe_load(Path(path).read_bytes()))
    except (OSError, ValueError, TypeError, AttributeError, ImportError, yaml.YAMLError) as error:
        sys.exit(f"SINGER_SDK_LOG_CONFIG must name a YAML file of a logging configuration ({one_line(error)})")


if __name__ == "__main__":
    main()
