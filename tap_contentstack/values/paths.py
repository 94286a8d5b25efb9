"""Paths of values in an item: `sections[0].hero.title`, with `["a.b"]` for keys that are not plain identifiers."""

from __future__ import annotations

import json
import re
import typing as t

Path: t.TypeAlias = "tuple[Path | None, str | int]"
"""The path of the containing object or list, and the value's key or index in it."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch


class Text(str):
    """A path that is already formatted; others can begin with it."""

    __slots__ = ()


def path_text(path: Path | None) -> str:
    """Return a path as text."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(_step(step, first=path is None))
    return "".join(reversed(steps))


def _step(step: str | int, *, first: bool) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if isinstance(step, Text):
        return step
    if _PLAIN(step):
        return step if first else f".{step}"
    return f"[{json.dumps(step, ensure_ascii=False)}]"
