"""The interface of outputs, which turn a stream's records into messages and write them."""

from __future__ import annotations

import abc
import typing as t

from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_contentstack.records.changes import Change
    from tap_contentstack.records.fast import FastItem


class Output(abc.ABC):
    """Turns records into messages (without the writer's lock), and writes them (with it)."""

    takes_lines = False
    """Whether `splice` can be used: the bytes of an item that fits its schema go to the target unchanged."""
    version: int = 0
    """The table's version, which every message carries."""
    holds_back = False
    """Whether it has records that it has not written yet."""

    @abc.abstractmethod
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> t.Any:
        """Return the message of a record.

        Args:
            record: A row, or a tombstone (with a `_sdc_deleted_at`).
            updates: Whether the target may already have the row in this version (the rows of a delta).
        """

    def begin(self, version: int | None) -> None:
        """Set the version of the messages that follow."""
        self.version = version or 0

    @abc.abstractmethod
    def write(self, messages: Iterable[t.Any]) -> None:
        """Write messages that `message` or `splice` made."""

    def splice(self, rows: Sequence[tuple[Change, FastItem]]) -> None:
        """Set the messages of rows whose items fit their schema, without building the records."""
        raise NotImplementedError

    def finish(self) -> None:  # noqa: B027 - most hold nothing back
        """Write the records that are held back, before a bookmark that covers them."""


class PlainOutput(Output):
    """Passes records through, for callers that only read them; nothing is written."""

    @override
    def message(self, record: dict[str, t.Any], *, updates: bool = False) -> dict[str, t.Any]:
        return record

    @override
    def write(self, messages: Iterable[t.Any]) -> None:
        raise NotImplementedError
