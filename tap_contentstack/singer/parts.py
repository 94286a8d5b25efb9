"""The objects that all streams of a run share: the stack, the state, the progress, the brake, the clock."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_contentstack.sync.brake import Brake
from tap_contentstack.values.clock import Clock

if t.TYPE_CHECKING:
    from tap_contentstack.api.stack import Stack
    from tap_contentstack.config.settings import Settings
    from tap_contentstack.singer.loads import LoadsStream
    from tap_contentstack.sync.progress import Progress
    from tap_contentstack.sync.state import State


@dataclass(frozen=True)
class RunParts:
    """What all streams of a run share.

    Attributes:
        stack: What there is to load.
        state: What has been loaded.
        progress: What this run has done so far.
        loads: Where a stream that is complete gets its row.
        brake: Holds sweeps back while all seems to be gone.
        clock: The time.
    """

    stack: Stack
    state: State
    progress: Progress
    loads: LoadsStream
    brake: Brake = field(default_factory=Brake)
    clock: Clock = field(default_factory=Clock)

    @property
    def settings(self) -> Settings:
        """The validated configuration."""
        return self.stack.settings
