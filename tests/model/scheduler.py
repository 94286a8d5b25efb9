"""The scheduler: it keeps the state that a load has confirmed, and gives it to the next run."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.model.steps import Json

    Kept: t.TypeAlias = tuple[Json | None, str, int]
    Snapshot: t.TypeAlias = tuple[Json | None, int, list[str], list[Kept]]


class Scheduler:
    """What a scheduler keeps, and the output that it stands for.

    Attributes:
        state: The confirmed state; a value: it is replaced, never changed.
        states: All states that were confirmed, each with its scope and the number of outputs that it covers.
        outputs: The scope of each run that wrote something.
        confirmed_at: How many of the outputs the state covers.
        damaged: Whether the state was ever another than the one that the last load confirmed.
    """

    def __init__(self, scope: str, *, merging: bool) -> None:
        """Have no state yet; `merging` is whether each state is merged into the one before."""
        self.state: Json | None = None
        self.states: list[Kept] = [(None, scope, 0)]
        self.outputs: list[str] = []
        self.confirmed_at = 0
        self.damaged = False
        self._merging = merging

    @property
    def ahead(self) -> list[str]:
        """The scopes of runs whose output the confirmed state does not cover."""
        return self.outputs[self.confirmed_at :]

    def keep(self, confirmed: Json, scope: str, *, merging: bool) -> None:
        """Keep a state that covers all output so far."""
        merging = merging or self._merging
        self.state = merged(self.state, confirmed) if merging and self.state else confirmed
        self.confirmed_at = len(self.outputs)
        self.states.append((self.state, scope, self.confirmed_at))

    def go_back(self, to: Kept, scope: str) -> None:
        """Go back to an earlier state, unless a run of another scope has written something since."""
        state, _, outputs = to
        if all(each == scope for each in self.outputs[outputs:]):
            self.state, self.confirmed_at = state, outputs

    def forget_stream(self, stream: str) -> None:
        """Forget the bookmark of a stream, in the earlier states too."""
        self.state = without(self.state, stream)
        self.states = [(without(old, stream), scope, outputs) for old, scope, outputs in self.states]

    def forget_earlier(self) -> None:
        """Forget all earlier states but the empty one."""
        del self.states[1:]

    def snapshot(self) -> Snapshot:
        """Return what is kept now, to be restored later."""
        return self.state, self.confirmed_at, list(self.outputs), list(self.states)

    def restore(self, snapshot: Snapshot) -> None:
        """Keep what was kept when the snapshot was made."""
        self.state, self.confirmed_at, outputs, states = snapshot
        self.outputs, self.states = list(outputs), list(states)


def without(state: Json | None, stream: str) -> Json | None:
    """Return a state without the bookmark of a stream."""
    if state is None or not isinstance(state.get("bookmarks"), dict):
        return state
    return {**state, "bookmarks": {name: each for name, each in state["bookmarks"].items() if name != stream}}


def merged(old: Json, new: Json) -> Json:
    """Merge a state into an older one as Meltano does: key by key, lists replaced whole."""
    result = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
