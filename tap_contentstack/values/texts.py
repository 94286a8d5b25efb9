"""Makes texts from outside safe to show: on one line, limited in length, and without possible credentials."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    import logging

LONGEST = 300
"""Characters that are shown of a text from outside."""
LONGEST_LOGGED = 10_000
"""Characters of a log line: it may quote several texts."""
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Line ends, escape sequences and marks of writing direction, which can make a text look like a log line."""
_CREDENTIAL = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}(?![A-Za-z0-9])")
"""The form of a stack's API key (`blt` and 16 hex digits) and of a token (`cs` and more digits)."""

_USER_INFO = re.compile(r"(?<=://)[^/].*@", re.DOTALL)
"""What a URL has before its host; up to the last `@`, as a password may have one, or a `/`, that nobody has escaped."""


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return a text on one line, without control characters, truncated if it is too long."""
    line = _CONTROLS.sub(" ", str(text)).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def log_on_one_line(record: logging.LogRecord) -> bool:
    """Put the message of a log record on one line: it may quote what the API sent. A filter for a logger."""
    record.msg, record.args = one_line(record.getMessage(), LONGEST_LOGGED), ()
    return True


def shown(value: object) -> str:
    """Return the value of a setting in a form that may be shown: without a URL's user or anything like a credential."""
    return _CREDENTIAL.sub("…", one_line(_USER_INFO.sub("…@", str(value))))
