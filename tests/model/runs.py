"""Runs: the tap with its faults and edits, the load of what it wrote, its crash, and what must hold after each."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

from sandbox import Fault
from tests.model.brakes import Brakes
from tests.model.divergence import fail
from tests.model.process import REQUEST_SECONDS, STOPPED, MemoryTap, Outcome, Plan, run_tap
from tests.model.restarts import Restarts
from tests.model.steps import chance_of
from tests.model.target import LoadStoppedError, Loss, RuleBrokenError, Transcript, lines_read
from tests.tap_process import LISTS

if t.TYPE_CHECKING:
    import random

    from tests.model.deployment import Deployment
    from tests.model.figures import Figures
    from tests.model.judge import Judge
    from tests.model.steps import Json

THROTTLED = "is throttling (HTTP 429)"
"""In the last sentence of a run that has not waited throttling out; none is throttled for as long as it may give up."""
LONGEST_RUN = 2_000
"""Requests after which a run is endless."""
CRASHES = 6
"""Ends of a run that are tried out where all are."""


class Runs:
    """Runs a deployment, and has the judge see what became of it.

    Attributes:
        brakes: What must hold where rows go.
        restarts: What must hold where streams start over.
        last: What the last run came to.
        stopped: Whether its load stopped.
    """

    last: tuple[Outcome, Transcript]

    def __init__(self, deployment: Deployment, judge: Judge, figures: Figures, tap_class: type[MemoryTap]) -> None:
        self._deployment, self._judge, self._figures = deployment, judge, figures
        self._tap_class = tap_class
        self.brakes = Brakes(deployment)
        self.restarts = Restarts()
        self.stopped = False
        self._counts_are_right = True
        self._lacked = False  # whether a page has lacked an item

    def run(
        self,
        details: Json,
        chance: random.Random,
        state: Json | None,
        *,
        dropping: bool = False,
        refreshing: bool = False,
    ) -> bool:
        """Run the tap, load what it wrote, and compare where that is possible; return whether a state was confirmed."""
        deployment, scheduler, judge = self._deployment, self._deployment.scheduler, self._judge
        judge.given = state
        hidden, lost = details.get("hidden_type"), details.get("lost_from") is not None
        self.brakes.confirmed = self.brakes.confirming
        outcome, edited = self._tap_run(details, state, chance)
        transcript = self._transcript(outcome)
        restarted = self.restarts.check_miscounts(outcome, state, transcript)
        if dropping:
            scheduler.forget_earlier()  # none of them knows that the rows are lost
            for stream in outcome.selected:
                deployment.target.tables.pop(stream, None)
                judge.note_drop(stream)
        self.last = outcome, transcript
        judge.check_memory(state, transcript)
        loss = None
        if details.get("cut") is not None:
            loss = Loss(cut=details["cut"], at_state=details["at_state"], confirm=details["confirm"])
            self._figures.kills += 1
            if last := lines_read(transcript, loss):
                deployment.world.clock.now = outcome.times[last - 1]
        scheduler.outputs.append(deployment.scope)
        if details.get("everywhere"):
            self._crash_everywhere(transcript, chance, state, merging=refreshing)
        stops, before = self._figures.reloads, deployment.live(outcome.selected)
        confirmed = self._load(transcript, loss, chance, state, merging=refreshing)
        self.restarts.note(restarted if confirmed else {}, scheduler.state)
        self.stopped = self._figures.reloads > stops
        judge.note_stale(transcript)
        complete = outcome.code == 0 and loss is None and not self.stopped
        if not dropping and not self.stopped:
            listed = any(
                each["type"] == "RECORD" and each["stream"] in outcome.selected - {*LISTS} and not _is_tombstone(each)
                for each in transcript.messages
            )
            self.brakes.check_rows(outcome, state, before, details, listed=listed)
        if judge.unhealed and complete and judge.is_healed(state, outcome.selected):
            judge.unhealed = False
        if complete:
            judge.check_counts(transcript, outcome, calm=not (edited or lost or hidden or details.get("overlay")))
        if complete and not edited and not details.get("overlay") and not lost:
            judge.check_gone(state)
            listless = outcome.selected - {*LISTS} | judge.known_types(state)
            judge.compare(listless if hidden else outcome.selected)
        self.last = outcome, transcript
        return confirmed

    def discovered(self) -> Json | None:
        """Return the catalog that the tap discovers, if it does not fail."""
        made: list[Json] = []

        class Discovering(self._tap_class):  # type: ignore[name-defined,misc]
            def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
                super().__init__(*args, **kwargs)
                made.append(json.loads(json.dumps(self.catalog_dict)))

        world = self._deployment.world
        plan = Plan(chance=chance_of(0), stop_at=0)
        config = self._deployment.whole_config(1)
        run_tap(world.sandbox, world.clock, config, None, None, plan, tap_class=Discovering)
        return made[0] if made else None

    # The tap

    def _tap_run(self, details: Json, state: Json | None, chance: random.Random) -> tuple[Outcome, bool]:
        world = self._deployment.world
        edits = {(number, when): seed for number, when, seed in details.get("edits", ())}
        edits_before = world.edits

        def edit(number: int, when: str) -> None:
            if number > LONGEST_RUN:
                fail("endless", f"a run asks more than {LONGEST_RUN} times")
            if number == lost_from and when == "before":
                world.sandbox.behaviour = replace(world.sandbox.behaviour, access="lost")
            if number == details.get("retract_at") and when == "after":
                world.retract(chance)
            if (number, when) in edits:
                world.edit(chance_of("edit", edits[number, when]))

        lost_from, behaviour = details.get("lost_from"), world.sandbox.behaviour
        world.sandbox.behaviour = replace(behaviour, **details.get("overlay", {}))
        world.sandbox.faults.clear()
        self._note_excuses(details)
        for fault in details.get("faults", ()):
            world.sandbox.faults.add(Fault(**fault))
        short_page = details.get("short_page") if self._counts_are_right and not self._lacked else None
        self._lacked |= short_page is not None
        plan = Plan(
            chance=chance,
            lazy=details.get("lazy", False),
            every_state=details.get("every_state", True),
            page_size=details.get("page_size", 100),
            few_checks=details.get("few_checks", 10),
            stop_at=details.get("stop_at"),
            request_seconds=details.get("request_seconds", REQUEST_SECONDS),
            short_page=short_page,
            hidden_type=self._hidden_type(details, chance),
            before=lambda number: edit(number, "before"),
            after=lambda number: edit(number, "after"),
        )
        config = self._deployment.whole_config(details.get("concurrency", 1))
        config |= {"allow_empty": self.brakes.confirming}
        outcome = run_tap(
            world.sandbox, world.clock, config, state, self._deployment.catalog, plan, tap_class=self._tap_class
        )
        world.sandbox.faults.clear()
        world.sandbox.behaviour = behaviour
        self._figures.runs += 1
        self._figures.faults += outcome.faults
        self._figures.stops += outcome.code == STOPPED
        if outcome.crashes:
            fail("crash", outcome.crashes[0])
        if outcome.code == 1 and THROTTLED in outcome.warnings[-1]:
            fail("impatient", outcome.warnings[-1])
        edited = world.edits != edits_before
        misled = bool(details.get("hidden_type")) or lost_from is not None or edited
        self.brakes.confirming = self.brakes.is_braked(outcome, misled=misled)
        self.restarts.check_reason(outcome)
        return outcome, edited

    def _note_excuses(self, details: Json) -> None:
        """Note whether what this run meets may be a reason for streams to start over."""
        total_count = self._deployment.world.sandbox.behaviour.total_count
        self._counts_are_right &= total_count == "right"
        self.restarts.excused |= bool(details.get("overlay"))
        self.restarts.excused |= any(fault["kind"] == "refused_token" for fault in details.get("faults", ()))
        self.restarts.excused |= details.get("short_page") is not None or "wrong" in total_count

    def _hidden_type(self, details: Json, chance: random.Random) -> str | None:
        uids = sorted(self._deployment.world.stack.content_types)
        return chance.choice(uids) if uids and details.get("hidden_type") else None

    def _transcript(self, outcome: Outcome) -> Transcript:
        try:
            transcript = Transcript(outcome.lines)
        except RuleBrokenError as error:
            fail("rule", str(error))
        self._figures.records += len(transcript.records_of_others())
        return transcript

    # The load

    def _load(
        self, transcript: Transcript, loss: Loss | None, chance: random.Random, state: Json | None, *, merging: bool
    ) -> bool:
        """Let the target load a run's output, and the scheduler keep what it confirms; return whether it confirms."""
        try:
            confirmed = self._deployment.target.load(transcript, loss, chance)
        except LoadStoppedError as stop:
            self._on_load_stop(stop, state)
            return False
        if confirmed is None:
            return False
        self._deployment.scheduler.keep(confirmed, self._deployment.scope, merging=merging)
        return True

    def _on_load_stop(self, stop: LoadStoppedError, state: Json | None) -> None:
        """Drop the table as documented if its column type is not remembered; otherwise the tap should have kept it."""
        tables = self._deployment.target.tables
        bookmark = ((state or {}).get("bookmarks") or {}).get(stop.stream)
        types = bookmark.get("types") if isinstance(bookmark, dict) else None
        kind = types.get(stop.column) if isinstance(types, dict) else None
        if isinstance(kind, str) and kind.strip("()") == tables[stop.stream].columns[stop.column]:
            fail("column", f"{stop}, though the state remembers it")
        self._figures.reloads += 1
        del tables[stop.stream]
        self._deployment.scheduler.forget_stream(stop.stream)

    def _crash_everywhere(
        self, transcript: Transcript, chance: random.Random, state: Json | None, *, merging: bool
    ) -> None:
        """See what the next run makes of a crash right behind each STATE, and then go on as if there had been none."""
        deployment, scheduler, judge = self._deployment, self._deployment.scheduler, self._judge
        target, kept = deployment.target, scheduler.snapshot()
        miscounted, unhealed = dict(self.restarts.miscounted), judge.unhealed
        confirmed, confirming = self.brakes.confirmed, self.brakes.confirming
        number = sum(message["type"] == "STATE" for message in transcript.messages)
        for end in range(number) if number <= CRASHES else sorted(chance.sample(range(number), CRASHES)):
            deployment.target = target.copy()
            loss = Loss(cut=(end + 0.5) / number, at_state=True, confirm="last")
            self._figures.kills += 1
            self._load(transcript, loss, chance, state, merging=merging)
            self.run({}, chance, scheduler.state)
            scheduler.restore(kept)
            self.restarts.miscounted, judge.unhealed = dict(miscounted), unhealed
            self.brakes.confirmed, self.brakes.confirming = confirmed, confirming
        deployment.target = target


def _is_tombstone(message: Json) -> bool:
    return message["record"].get("_sdc_deleted_at") is not None
