"""Interfaces: `Messages` makes messages of a stream's records, an `Output` also writes them."""

from __future__ import annotations

import abc
import typing as t

from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.fast import FastItem

    Splice: t.TypeAlias = Callable[[Sequence[tuple[Change, FastItem]]], None]
    """Sets the messages of rows whose items fit their schema, without building the records."""


class Messages(abc.ABC):
    """Turns records into messages."""

    @property
    def splice(self) -> Splice | None:
        """Makes messages straight from the bytes of items that fit; None if this output needs records."""
        return None

    @abc.abstractmethod
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> t.Any:
        """Return the message of a record.

        Args:
            record: A row, or a tombstone (with a `_sdc_deleted_at`).
            updates: Whether the target may already have the row in this version (the rows of a delta).
        """


class PlainMessages(Messages):
    """Passes records through, for callers that only read them."""

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> dict[str, t.Any]:
        return record


class NoMessages(Messages):
    """Makes nothing, for callers that only want to know which rows there are."""

    @property
    @override
    def splice(self) -> Splice:
        return lambda _: None

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> None:
        return None


class Output(Messages):
    """Turns records into messages (without the writer's lock), and writes them (with it)."""

    version: int = 0
    """The table's version, which every message carries."""
    holds_back = False
    """Whether it has records that it has not written yet."""

    def begin(self, version: int | None) -> None:
        """Set the version of the messages that follow."""
        self.version = version or 0

    @abc.abstractmethod
    def write(self, messages: Iterable[t.Any]) -> None:
        """Write messages that `message` or `splice` made."""

    def finish(self) -> None:
        """Write the records that are held back, before a bookmark that covers them."""
