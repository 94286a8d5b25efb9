"""Times as targets take them: in UTC, written with `Z`, between the years 1 and 9999."""

from __future__ import annotations

import datetime as dt
import re

import msgspec

MAX_LENGTH = len("2000-01-01T00:00:00.000000Z")

CANONICAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"
"""How the API writes times (recorded), and the form that goes to targets as it came."""

_is_canonical = re.compile(CANONICAL).fullmatch
_is_time = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?",
).fullmatch

_decode_times = msgspec.json.Decoder(list[dt.datetime]).decode


def all_canonical(texts: list[str]) -> bool:
    """Tell whether texts of at most `MAX_LENGTH` characters all are times that can go out as they came.

    One pass in C for many: a time has one `T` and one `Z` at most, so as many of them as texts leave no other form.
    """
    if not texts:
        return True
    count = len(texts)
    together = '","'.join(texts)
    if together.count("T") != count or together.count("Z") != count or "\\" in together:
        return False
    try:
        _decode_times(f'["{together}"]')
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    return True


def in_utc(text: str) -> str | None:
    """Return a time or date in UTC, or None if it is none that targets can store."""
    if not _is_time(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text.upper())
        if _is_canonical(text):
            return text
        if moment.tzinfo is not None:
            moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat() + "Z"
