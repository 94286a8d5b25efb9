"""Fingerprints the scope that a bookmark was made for: a change is noticed, and no value is stored in plain text."""

from __future__ import annotations

import hashlib
import typing as t
from types import MappingProxyType

from tap_contentstack.errors import ScopeChangedError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST_LENGTH = 10
UNSURE = "?"


class Unsure(t.NamedTuple):
    """The configured value of a part whose real value only the API knows, and did not give."""

    value: object


def fingerprint(scope: Mapping[str, object]) -> str:
    """Return a short text that differs where the scope does, and tells which part of it; it holds no plain value."""
    return " ".join(f"{name}:{_digest(value)}" for name, value in scope.items())


def changed_parts(old: str, new: str) -> list[str]:
    """Return the names of the parts of a new fingerprint in which an old one differs.

    A part that only one of them is sure of is no difference.
    """
    before = _parts(old)
    return [name for name, part in _parts(new).items() if _differ(name, before.get(name), part)]


def scope_change(stream: str, old: str | None, new: str, *, must_fail: bool) -> str | None:
    """Return a clause that tells how a stream's scope differs from that of its bookmark; None if it does not.

    Args:
        stream: The stream's name.
        old: The bookmark's fingerprint, if it has one.
        new: The fingerprint of the scope now.
        must_fail: Whether the run fails instead of restarting the stream (`on_scope_change`).

    Raises:
        ScopeChangedError: It differs, and `on_scope_change` is `fail`.
    """
    changes = changed_parts(old, new) if old is not None else []
    if not changes:
        return None
    changed = ", ".join(changes).replace("_", " ")
    if must_fail:
        msg = (
            f"stream {stream}: its state was made for a different scope ({changed}), and on_scope_change is 'fail': "
            "restore that, or set on_scope_change to 'restart' to reload the stream and remove what is out of scope"
        )
        raise ScopeChangedError(msg)
    return f"its state was made for a different scope ({changed})"


def carried_over(old: str, new: str) -> str:
    """Return the new fingerprint, with the old one's parts where only the old one is sure of them."""
    before = _parts(old)
    parts = {name: (before.get(name, part), part) for name, part in _parts(new).items()}
    return " ".join(
        f"{name}:{was if _is_unsure(name, part) and not _is_unsure(name, was) else part}"
        for name, (was, part) in parts.items()
    )


def _parts(text: str) -> dict[str, str]:
    return dict(part.partition(":")[::2] for part in text.split())


def _differ(name: str, old: str | None, new: str) -> bool:
    if old is None:
        return True
    return _is_unsure(name, old) == _is_unsure(name, new) and old != new


def _is_unsure(name: str, part: str) -> bool:
    return part.startswith(UNSURE) or part == UNTOLD.get(name)


def _digest(value: object) -> str:
    if isinstance(value, Unsure):
        return f"{UNSURE}{_digest(value.value)}"
    return hashlib.sha256(repr(value).encode()).hexdigest()[:DIGEST_LENGTH]


UNTOLD: Mapping[str, str] = MappingProxyType({"branch": _digest(None)})
"""How the first version wrote a part that was neither set nor known from the API."""
