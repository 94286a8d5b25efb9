"""What a load does to its stream's table in the target."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Table(t.Protocol):
    """The stream's table in the target. All but `begin` and `wait_for_version` need the writer's lock."""

    @property
    def holds_back(self) -> bool:
        """Whether there are records that the tap has not written yet (batch files)."""

    def begin(self) -> None:
        """Give the bookmark a new version, and announce that in the state."""

    def write(self, messages: Iterable[t.Any]) -> None:
        """Write records."""

    def finish(self) -> None:
        """Write the records that are held back."""

    def sweep(self) -> None:
        """Remove the rows of older versions."""

    def save(self) -> None:
        """Put the bookmark into the state, and write the state if one is due."""

    def complete(self) -> None:
        """Save the bookmark, now that the table has all that is published; its row in `loads` comes before."""

    def write_loads_row(self, published: Mapping[str, int] | None = None) -> None:
        """Write the stream's row in `loads`, with the number of published items by locale, if counted."""

    def wait_for_version(self) -> None:
        """Wait until the clock has reached the version, so that no other run can have the same."""
