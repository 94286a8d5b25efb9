"""Makes texts from outside safe to show: on one line, limited in length, and without possible credentials."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters that are shown of a text from outside."""
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Line ends, escape sequences and marks of writing direction, which can make a text look like a log line."""
_CREDENTIAL = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}(?![A-Za-z0-9])")
"""The form of a stack's API key (`blt` and 16 hex digits) and of a token (`cs` and more digits)."""


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return a text on one line, without control characters, truncated if it is too long."""
    line = _CONTROLS.sub(" ", str(text)).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def shown(value: object) -> str:
    """Return the value of a setting in a form that may be shown: anything like a credential is left out."""
    return _CREDENTIAL.sub("…", one_line(value))
