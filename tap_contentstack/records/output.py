"""How a stream's records leave the tap: each output makes messages of records, and writes them."""

from __future__ import annotations

import abc
import typing as t

from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.fast import FastItem


class Output(abc.ABC):
    """Makes messages of records (needs no pen), and writes them (needs it)."""

    takes_lines = False
    """Whether `splice` can be used: the bytes of an item that fits its schema go to the target as they came."""
    version: int = 0
    """The table's version, in every message."""
    holds_back = False
    """Whether some records have not left the tap yet."""

    @abc.abstractmethod
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> t.Any:
        """Return the message of a record.

        Args:
            record: A row, or a tombstone: what has a `_sdc_deleted_at`.
            updates: Whether the target may hold the row already, of this version (a delta's rows).
        """

    def begin(self, version: int | None) -> None:
        """Take the version of the messages to come."""
        self.version = version or 0

    @abc.abstractmethod
    def write(self, messages: Iterable[t.Any]) -> None:
        """Write messages that `message` or `splice` made."""

    def splice(self, rows: Sequence[tuple[Change, FastItem]]) -> None:
        """Give rows of items that fit their schema their messages, without building the records."""
        raise NotImplementedError

    def finish(self) -> None:  # noqa: B027 - most hold nothing back
        """Write whatever is still held back: a bookmark follows."""


class PlainOutput(Output):
    """Records as they are, for whoever wants to look at them; nothing is written."""

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> dict[str, t.Any]:
        return record

    @override
    def write(self, messages: Iterable[t.Any]) -> None:
        raise NotImplementedError
