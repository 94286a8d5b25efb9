"""A run of the tap in this process: its real code from the command's end to the bytes of a page, no socket, no waiting.

What stands between the model and a run that can be replayed is put in its place here, and nowhere else: the clock, the
waits, the threads' turns, the way to the API, and stdout.
"""

from __future__ import annotations

import json
import logging
import threading
import typing as t
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest import mock

import backoff._sync
from singer_sdk.exceptions import SingerSDKError
from typing_extensions import override

from tap_contentstack.api import connection, feed, pool, retries
from tap_contentstack.singer.lists import GoneStream
from tap_contentstack.singer.run import Run
from tap_contentstack.singer.writer import Writer
from tap_contentstack.sync import removals
from tap_contentstack.tap import TapContentstack
from tests.model.baton import PATIENCE, Baton
from tests.model.wire import Asked, Wire

if t.TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from tap_contentstack.config.settings import Settings
    from tests.model.clock import Clock

Json: t.TypeAlias = dict[str, t.Any]
REQUEST_SECONDS = 0.004
STOPPED = 143


class StoppedError(BaseException):
    """The process would have ended here."""


@dataclass(kw_only=True)
class Plan:
    """How a run is carried out.

    Attributes:
        chance: Decides whose turn it is.
        lazy: Whether a request that is sent ahead is answered when that is needed, not when it is sent.
        every_state: Whether a STATE is always due, or never but at the end.
        page_size: Items that an answer about deleted items may have; with few_checks, how soon a start-over is cheaper.
        few_checks: Requests that such answers may cost.
        short_page: From which request on a page of the feed lacks an item.
        hidden_type: A content type that lists lack.
        stop_at: Number of the request during which the run is asked to end.
        request_seconds: How long each request takes.
        before: Called before each answer with the request's number.
        after: Called after each answer.
    """

    chance: random.Random
    lazy: bool = False
    every_state: bool = True
    page_size: int = 100
    few_checks: int = 10
    short_page: int | None = None
    hidden_type: str | None = None
    stop_at: int | None = None
    request_seconds: float = REQUEST_SECONDS
    before: Callable[[int], None] = lambda _: None
    after: Callable[[int], None] = lambda _: None


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        code: Its exit code.
        lines: What it wrote.
        times: When it wrote each line.
        asked: Its requests.
        faults: Answers that were spoiled.
        selected: The streams that it was to complete.
        warnings: What it logged, from warnings up.
        restarts: The streams that restarted, each with the warning that says why.
        crashes: Exceptions that are no sentence for a user.
    """

    code: int = 0
    lines: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    faults: int = 0
    selected: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    restarts: list[tuple[str, str]] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)


class Paper:
    """What stands for stdout: it keeps whole lines, and when they were written."""

    def __init__(self, clock: Clock, outcome: Outcome) -> None:
        self._clock, self._outcome = clock, outcome

    def write(self, data: bytes) -> int:
        lines = bytes(data).splitlines(keepends=True)
        self._outcome.lines += lines
        self._outcome.times += [self._clock.now] * len(lines)
        return len(data)

    def flush(self) -> None:
        pass


class MemoryWriter(Writer):
    """A writer to paper."""

    paper: Paper

    @property
    @override
    def _out(self) -> t.Any:
        return self.paper

    @override
    def prepare_pipe(self) -> None:
        pass


class MemoryTap(TapContentstack):
    """The tap, wired to a sandbox in this process."""

    message_writer_class = MemoryWriter

    def __init__(self, clock: Clock, plan: Plan, outcome: Outcome, **arguments: t.Any) -> None:
        self.clock = clock
        self.process_started = clock.now
        self.state_interval = 0.0 if plan.every_state else float("inf")
        super().__init__(**arguments)
        t.cast("MemoryWriter", self.writer).paper = Paper(clock, outcome)

    @override
    def _setup_signal_handlers(self) -> None:
        pass


class MemoryRun(Run):
    """A run whose threads take turns, and whose end is not that of the process."""

    def __init__(self, tap: MemoryTap, baton: Baton) -> None:
        super().__init__(tap.selected_streams, tap.parts, tap.writer, tap.logger, tap.summary)
        self._baton = baton
        self.ended = threading.Event()

    @override
    def _start_threads(self, count: int) -> None:
        self._baton.expect(count)
        super()._start_threads(count)

    @override
    def _work(self) -> None:
        self._baton.enter()
        try:
            super()._work()
        finally:
            self._baton.leave()

    @override
    def _break_off(self) -> t.NoReturn:
        with self._writer:
            self._parts.state.write()
            self._writer.close()
        self.ended.set()
        raise StoppedError


class Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.WARNING)
        self._outcome = outcome

    @override
    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self._outcome.warnings.append(text)
        if "stream restarts" in text:
            name, _, reason = text.partition(": ")
            self._outcome.restarts.append((name, reason))
        if record.exc_info:
            self._outcome.crashes.append(
                f"{record.getMessage()}: {logging.Formatter().formatException(record.exc_info)}"
            )


@contextmanager
def virtual(clock: Clock, plan: Plan, wire: Wire) -> Iterator[None]:
    """Let the tap's waits and clocks be the model's, and its requests go to the wire."""

    def open_pool(settings: Settings) -> t.Any:
        return *opened(settings)[:2], wire

    opened = pool.open_pool
    with ExitStack() as stack:
        for module, name, value in (
            (connection, "open_pool", open_pool),
            (backoff._sync, "time", clock),
            (retries, "time", clock),
            (feed, "PAGE_SIZE", plan.page_size),
            (removals, "PAGE_SIZE", plan.page_size),
            (removals, "FEW_ITEMS", plan.few_checks),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        yield


@contextmanager
def listening(outcome: Outcome) -> Iterator[None]:
    """Keep what the tap logs, and nothing on stderr."""
    root, own = logging.getLogger(), logging.getLogger(TapContentstack.name)
    before = root.handlers[:], own.handlers[:], own.propagate, own.level
    root.handlers, own.handlers, own.propagate = [Listener(outcome)], [], True
    own.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers, own.handlers, own.propagate = before[:3]
        own.setLevel(before[3])


def run_tap(
    sandbox: Sandbox,
    clock: Clock,
    config: Json,
    state: Json | None,
    catalog: Json | None,
    plan: Plan,
    *,
    tap_class: type[MemoryTap] = MemoryTap,
) -> Outcome:
    """Run the tap once, to its end."""
    outcome = Outcome()
    baton = Baton(plan.chance)
    running: MemoryRun | None = None

    def before(number: int) -> None:
        clock.sleep(plan.request_seconds)
        baton.switch()
        plan.before(number)
        due = plan.stop_at is not None and number >= plan.stop_at
        if due and running is not None and not running.ended.is_set() and baton.is_member:
            running.stop(STOPPED)
            running.ended.wait(PATIENCE)

    wire = Wire(sandbox, before, plan.after)
    wire.short_page, wire.hidden_type, wire.lazy = plan.short_page, plan.hidden_type, plan.lazy
    tap: MemoryTap | None = None
    with virtual(clock, plan, wire), listening(outcome):
        try:
            tap = tap_class(
                clock,
                plan,
                outcome,
                config=config,
                state=json.loads(json.dumps(state)) if state is not None else None,
                catalog=json.loads(json.dumps(catalog)) if catalog is not None else None,
            )
            running = tap.run = MemoryRun(tap, baton)
            outcome.selected = {each.name for each in tap.selected_streams if not isinstance(each, GoneStream)}
            outcome.code = running.execute()
        except StoppedError:
            outcome.code = STOPPED
        except SingerSDKError as error:
            outcome.code = 1
            outcome.warnings.append(str(error))
        finally:
            baton.wait_until_empty()
    outcome.asked, outcome.faults = wire.asked, wire.faults
    return outcome
