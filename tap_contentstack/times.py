"""Times as targets take them: in UTC, written with `Z`, between the years 1 and 9999."""

from __future__ import annotations

import datetime as dt
import re

CANONICAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"
"""How the API writes times (recorded), and the form that goes to targets as it came."""

_is_canonical = re.compile(CANONICAL).fullmatch
_is_time = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?",
).fullmatch


def in_utc(text: str) -> str | None:
    """Return a time or date in UTC, or None if it is none that targets can store."""
    if not _is_time(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text.upper())
        if _is_canonical(text):
            return text
        moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None).isoformat() + "Z"
