"""Reads and writes JSON with exact digits, and removes the characters that no target can store."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from decimal import Decimal, InvalidOperation

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Callable

MAX_DIGITS = 4000
"""Digits of an integer that targets can read: Python refuses more than 4,300."""
MAX_LEVELS = 100
"""Levels of nesting that are kept of a value that is nested too deeply to be walked."""
MAX_EXPONENT = 16_000
"""Powers of ten that Postgres stores, on either side of the decimal point."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

encode: Callable[[t.Any], bytes] = msgspec.json.Encoder(decimal_format="number").encode


def _number(text: str) -> float | Decimal | str:
    """Return a number that is written back with the same value; one that no database can store stays text."""
    number = float(text)
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return text
    if abs(exact.adjusted()) > MAX_EXPONENT or len(text) > MAX_DIGITS:
        return text
    return number if Decimal(repr(number)) == exact else exact


def _integer(text: str) -> int | str:
    return int(text) if len(text) < MAX_DIGITS else text


_decode = msgspec.json.Decoder(float_hook=_number).decode


def decode(text: bytes) -> t.Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: The text is not JSON, or nested too deeply.
    """
    try:
        return _decode(text)
    except (ValueError, RecursionError, OverflowError):
        pass
    try:
        return json.loads(text, parse_float=_number, parse_int=_integer)
    except RecursionError as error:
        msg = "JSON nested too deeply"
        raise ValueError(msg) from error


def cleaned(value: t.Any) -> t.Any:
    """Return a value without U+0000 and unpaired surrogates, in texts and keys at any depth."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if isinstance(value, dict):
        result: dict[str, t.Any] = {}
        keys = {key for key in value if _clean(key) == key}
        for key, each in value.items():
            name = key if key in keys else _new_key(_clean(key), key, keys | result.keys())
            result[name] = cleaned(each)
        return result
    return value


def is_clean(value: t.Any) -> bool:
    """Return whether `cleaned` would return the value unchanged."""
    if isinstance(value, str):
        return (value.isascii() and "\0" not in value) or not _UNSTORABLE.search(value)
    if isinstance(value, list):
        for each in value:  # a generator expression would take another frame for each level
            if not is_clean(each):
                return False
    elif isinstance(value, dict):
        for key, each in value.items():
            if not (is_clean(key) and is_clean(each)):
                return False
    return True


def shallow(value: t.Any, levels: int = MAX_LEVELS) -> t.Any:
    """Return a value in which anything nested more deeply is replaced by its JSON text."""
    if isinstance(value, (list, dict)) and not levels:
        return json.dumps(value, default=str)
    if isinstance(value, list):
        return [shallow(each, levels - 1) for each in value]
    if isinstance(value, dict):
        return {key: shallow(each, levels - 1) for key, each in value.items()}
    return value


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("", text) if _UNSTORABLE.search(text) else text


def _new_key(name: str, key: str, taken: set[str]) -> str:
    """Return the cleaned key, with a hash of the original if that name is taken: no value may be lost."""
    while name in taken:
        name = f"{name}_{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:8]}"
    return name
