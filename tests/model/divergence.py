"""The error that says that the guarantee does not hold."""

from __future__ import annotations

import typing as t


class DivergenceError(AssertionError):
    """The guarantee does not hold; the first word says which part of it."""


def fail(what: str, text: str) -> t.NoReturn:
    msg = f"{what}: {text}"
    raise DivergenceError(msg)
