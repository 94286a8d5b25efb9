"""Texts from outside, made fit to be shown: on one line, bounded, and without what may be a credential."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters of a text from outside that are shown."""
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Line ends, escape sequences, and what turns the direction of writing: they can make a text look like a log line."""
_CREDENTIAL = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}(?![A-Za-z0-9])")
"""What a stack's API key (`blt` and 16 hex digits) or a token (`cs` and more of them) looks like."""


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return a text on one line, without control characters, cut where it is too long."""
    line = _CONTROLS.sub(" ", str(text)).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def shown(value: object) -> str:
    """Return the value of a setting as it may be shown: what looks like a credential is left out."""
    return _CREDENTIAL.sub("…", one_line(value))
