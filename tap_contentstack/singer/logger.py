"""A stream's logger: each text has the stream's name in front, because schedulers often show nothing but the text."""

from __future__ import annotations

import logging
import typing as t

from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import MutableMapping


class StreamLogger(logging.LoggerAdapter[logging.Logger]):
    """Prefixes log lines with the stream's name."""

    @override
    def process(self, msg: t.Any, kwargs: MutableMapping[str, t.Any]) -> tuple[t.Any, MutableMapping[str, t.Any]]:
        return f"{self.extra['stream'] if self.extra else ''}: {msg}", kwargs


def logger_of(stream: str, logger: logging.Logger) -> logging.Logger:
    """Return a stream's logger, which writes to the tap's."""
    return t.cast("logging.Logger", StreamLogger(logger, {"stream": stream}))
