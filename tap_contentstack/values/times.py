"""Converts times to what targets and the API accept: UTC with `Z`, between the years 1 and 9999."""

from __future__ import annotations

import datetime as dt
import functools
import re

import msgspec

MAX_LENGTH = len("2000-01-01T00:00:00.000000Z")

CANONICAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"
"""How the API writes times (recorded); times in this form go to targets unchanged."""

_is_canonical = re.compile(CANONICAL).fullmatch
_is_time = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?",
).fullmatch

_decode_times = msgspec.json.Decoder(list[dt.datetime]).decode


def all_canonical(texts: list[str]) -> bool:
    """Return whether texts of at most `MAX_LENGTH` characters are all times that can go out unchanged.

    One C call checks them all: a time has at most one `T` and one `Z`, so if there are as many of each as there are
    texts, every text has the canonical form.
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


@functools.lru_cache(maxsize=1024)  # dates repeat: those that editors enter are days
def in_utc(text: str) -> str | None:
    """Return a time or date in UTC, or None if targets cannot store it."""
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


def utc_now() -> str:
    """Return the time in UTC, to the microsecond, with `Z`."""
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")


def utc_text(text: str) -> str:
    """Return a date or date-time as the API expects it: UTC, with milliseconds and `Z`.

    Raises:
        ValueError: It is not a date or date-time.
        OverflowError: It is not between the years 1 and 9999 in UTC.
    """
    moment = dt.datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
