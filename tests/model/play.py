"""Playing histories, and what must hold on the way and at the end.

The guarantee has limits (docs/recovery.md), and so have the histories. They are all here, and in what
`steps.py` draws:

- The target is ahead of the confirmed state only by the output of runs with the configuration of now, or of runs before
  a change to a configuration that this history has not had (`Play._change`).
- While `event_types` is narrowed, nothing is compared; nor after a change that no event tells of, until
  `reload_after_days` has brought it.
- Pages of an initial pass shift once, and are newest first: only then does `total_count` show that one is missing.
- The feed tells what it is assumed to tell: an item that an initial pass lists is published, a sync token covers every
  edit since `init`, an unpublish names its locale, a feed of one locale brings every delete from it. So `per_item`
  compaction is tried on stacks of one locale only: on others it loses events for good.
- A delete that does not tell its locales (compacted, and `whole` or `nameless`) removes the rows of the locales that
  the confirmed state knows, of any stream.
- No version in the state is ahead of the clock.
- A page may lack an item in one run, and only while the API has always counted right: a pass that goes on from a page
  that was short starts over, and what the API leaves out twice is believed.
- A uid belongs to one content type, and an item's `_version` only grows.
- A dropped table is loaded anew with the state hidden, again and again until the target has confirmed a state; before
  that, nobody but the user knows of it. Tables of deselected streams are not dropped.
- A column whose field is gone, and that the state does not know (lost, or older than the table), keeps what it held.
- A column that the target made in a run whose state it lost may be of a type that nobody remembers: where the load then
  stops, its table is dropped and reloaded, as docs/warehouse.md says.
"""

from __future__ import annotations

import copy
import json
import re
import typing as t
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from http import HTTPStatus
from tempfile import TemporaryDirectory

from sandbox import Behaviour, Fault
from sandbox.clock import iso
from tap_contentstack.schema.names import COMBINED_STREAM, stream_name
from tap_contentstack.sync.bookmarks import HAD_ROWS
from tests.model.clock import BEGINNING
from tests.model.compare import differences, published
from tests.model.maps import MAPS
from tests.model.process import REQUEST_SECONDS, STOPPED, MemoryTap, Outcome, Plan, run_tap
from tests.model.steps import SCOPE_SETTINGS, chance_of
from tests.model.target import ADDED, LoadStoppedError, Loss, RuleBrokenError, Target, Transcript, lines_read
from tests.model.world import World
from tests.tap_process import LISTS, LOADS

if t.TYPE_CHECKING:
    import random

    from tests.model.history import History
    from tests.model.steps import Json, Step
    from tests.model.target import Key

SETTLING_RUNS = 5
RELOAD_DAYS, WAIT_DAYS, DAY = 1, 3, 86_400
RELOADS = 3
MISCOUNT = ": its pages did not hold"
LONGEST_RUN = 2_000
"""Requests after which a run is endless."""
BOXES = 60
"""Runs with a time box in which a stack of a few dozen pages has to be loaded."""
SLOW_REQUEST = 0.25
"""Seconds."""
TICK = 1.5
"""Seconds that runs wait for the next whole one, to have a version of their own."""
UNFINISHED = 75
CRASHES = 6
"""Ends of a run that are tried out where all are."""


class DivergenceError(AssertionError):
    """The guarantee does not hold; the first word says which part of it."""


@dataclass
class Figures:
    """What histories came to."""

    histories: int = 0
    runs: int = 0
    kills: int = 0
    stops: int = 0
    boxes: int = 0
    faults: int = 0
    edits: int = 0
    records: int = 0
    reloads: int = 0
    divergences: int = 0

    def add(self, other: Figures) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return ", ".join(f"{value:,} {name}" for name, value in asdict(self).items())


class Play:
    """A history under way."""

    def __init__(self, history: History, tap_class: type[MemoryTap] = MemoryTap) -> None:
        """Set the stage."""
        self.history = history
        self.figures = Figures(histories=1)
        setup = history.setup
        self._last: tuple[Outcome, Transcript]
        self._given: Json | None = None  # the state that the last run got
        self._stopped = self._confirming = False
        self._counts_are_right, self._damaged = True, False
        self._lacked = False  # whether a page has lacked an item
        self._unhealed = False  # whether something changed that no event tells of, and no full pass has brought
        self._changed_at = 0.0  # when it did
        self._miscounted: dict[str, int] = {}  # versions of passes that have restarted for a miscount
        self._confirmed = False  # whether the user had confirmed, for this run, that all is gone
        self._excused = False  # whether there was ever a reason to start over
        self._tap_class = tap_class
        self.world = World(
            chance_of("world", history.seed),
            locales=setup["locales"],
            types=setup["types"],
            page_size=setup["page_size"],
        )
        self.world.sandbox.behaviour = Behaviour(**setup["behaviour"])
        self.target = Target()
        self.settings: Json = {"max_retries": 2}
        if setup["counted"]:
            self.settings["count_published"] = True
        if setup["mapped"]:
            self.settings["stream_maps"] = MAPS
        if setup["combined"]:
            self.settings["entry_streams"] = "combined"
        self.catalog: Json | None = None
        self.state: Json | None = None  # a value: it is replaced, never changed
        self._states: list[tuple[Json | None, str, int]] = [(None, self._scope, 0)]
        self._outputs: list[str] = []  # the scope of each run that wrote something
        self._confirmed_at = 0
        self._scopes = {self._scope}
        self._left: set[tuple[str, Key]] = set()  # rows that nothing tells to be gone
        self._stale: dict[str, set[str]] = {}  # columns of each table that some run did not know of

    def play(self) -> None:
        """Take all steps, let things settle, and see what is there.

        Raises:
            DivergenceError: Something that must hold does not.
        """
        with TemporaryDirectory(prefix="batches-") as folder:
            if self.history.setup["batch_size"]:
                self.settings["batch_config"] = {
                    "encoding": {"format": "jsonl", "compression": "gzip"},
                    "storage": {"root": f"file://{folder}"},
                    "batch_size": self.history.setup["batch_size"],
                }
            for step in self.history.steps:
                getattr(self, f"_{step.kind}")(step, chance_of(step.kind, step.seed))
            self._settle()

    # Steps of the stack

    def _edit(self, step: Step, chance: random.Random) -> None:
        only = self.world.some_item(chance) if step.details["focused"] else None
        for _ in range(step.details["times"]):
            self.world.edit(chance, only=only)

    def _type(self, step: Step, chance: random.Random) -> None:
        edits = {
            "delete": self.world.delete_type,
            "recreate": self.world.recreate_type,
            "retype": self.world.retype_fields,
        }
        edits[step.details["how"]](chance)

    def _locale(self, step: Step, _: random.Random) -> None:
        """Publish an entry to a locale that has no other, or delete that entry: of the first type, or of the last."""
        types = self.world.stack.content_types
        uid = (max if step.details.get("last") else min)(types, default=None)
        if uid and step.details["how"] == "publish":
            self.world.stack.publish_entry(uid, "alone", {}, ["it-it", "en-us"])
        elif uid:
            self.world.stack.delete_entry(uid, "alone")

    def _silent(self, step: Step, chance: random.Random) -> None:
        """Change something that no event tells of: nothing is compared until full passes have brought it."""
        self._unhealed, self._changed_at = True, self.world.clock.now
        if not step.details.get("language"):
            self.world.change_silently(chance)
        elif len(self.world.stack.locales) > 1:
            self.world.stack.delete_locale(self.world.stack.locales[-1])

    def _reload(self, *_: t.Any) -> None:
        """Let the runs from now on reload what was loaded before a silent change."""
        self.settings["reload_after_days"] = RELOAD_DAYS
        self.world.clock.sleep(WAIT_DAYS * DAY)

    def _wait(self, step: Step, _: random.Random) -> None:
        self.world.clock.sleep(step.details["seconds"])

    def _switch(self, step: Step, _: random.Random) -> None:
        self.world.sandbox.behaviour = Behaviour(**step.details)

    def _expire(self, step: Step, _: random.Random) -> None:
        self._excused = True
        self.world.sandbox.expire_tokens(step.details["tokens"])

    # Steps of the user

    @property
    def _scope(self) -> str:
        settings = {name: self.settings.get(name) for name in SCOPE_SETTINGS}
        return json.dumps([settings, self.catalog], sort_keys=True)

    @property
    def _ahead(self) -> list[str]:
        """The scopes of runs whose output the confirmed state does not cover."""
        return self._outputs[self._confirmed_at :]

    def _change(self, change: t.Callable[[], None]) -> None:
        """Change the configuration, within the limits of the guarantee."""
        before, settings, catalog = self._scope, dict(self.settings), copy.deepcopy(self.catalog)
        change()
        if self._scope == before or not self._ahead:
            self._scopes.add(self._scope)
            return
        if self._scope not in self._scopes and set(self._ahead) == {before}:
            self._scopes.add(self._scope)
            return
        self.settings, self.catalog = settings, catalog
        self._converge()
        change()
        self._scopes.add(self._scope)

    def _config(self, step: Step, _: random.Random) -> None:
        name, value = step.details["name"], step.details["value"]
        if name == "start_date" and value is not None:
            value = iso(int((BEGINNING + value * (self.world.clock.now - BEGINNING)) * 1000))
        self._change(lambda: self.settings.pop(name, None) if value is None else self.settings.update({name: value}))

    def _catalog(self, step: Step, chance: random.Random) -> None:
        how = step.details["how"]
        catalog = None if how == "clear" else self._discovered()
        if catalog and how != "pin":
            entry = chance.choice(catalog["streams"])
            if how == "full_table":
                entry["replication_method"] = "FULL_TABLE"
            for metadata in entry["metadata"]:
                if metadata["breadcrumb"] == [] and how == "deselect":
                    metadata["metadata"]["selected"] = False
            if how == "column" and not self.history.setup["mapped"]:  # no map can use a column that is left out
                for metadata in chance.sample(_columns_of(entry), k=min(2, len(_columns_of(entry)))):
                    metadata["metadata"]["selected"] = False

        def change() -> None:
            self.catalog = catalog

        self._change(change)

    def _discovered(self) -> Json | None:
        made: list[Json] = []

        class Discovering(self._tap_class):  # type: ignore[name-defined,misc]
            def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
                super().__init__(*args, **kwargs)
                made.append(json.loads(json.dumps(self.catalog_dict)))

        plan = Plan(chance=chance_of(0), stop_at=0)
        run_tap(self.world.sandbox, self.world.clock, self._whole_config(1), None, None, plan, tap_class=Discovering)
        return made[0] if made else None

    def _damage(self, step: Step, chance: random.Random) -> None:
        how = step.details["how"]
        self._excused = self._damaged = True
        if how in {"old", "none"}:
            state, _, outputs = self._states[0] if how == "none" else chance.choice(self._states)
            if all(each == self._scope for each in self._outputs[outputs:]):
                self.state, self._confirmed_at = state, outputs
            return
        if self.state is None:
            return
        state = copy.deepcopy(self.state)
        bookmarks = state["bookmarks"]
        name = chance.choice(sorted(bookmarks)) if bookmarks else None
        if how == "extra":
            state["more"] = {"of": "this"}
            value: t.Any = chance.choice(
                (5, None, {}, {"locales": 5}, {"content_type_uid": "no/such type?"}, {"version": "x"})
            )
            bookmarks[chance.choice(("gone", "entries_", "x-y"))] = value
        elif name and how == "foreign":
            if isinstance(bookmarks[name], dict) and bookmarks[name].get("scope"):
                bookmarks[name]["scope"] = "stack:0000000000 " + bookmarks[name]["scope"].partition(" ")[2]
        elif name and isinstance(bookmarks[name], dict):
            damage_bookmark(bookmarks, name, chance)
        self.state = state

    # Runs

    def _whole_config(self, concurrency: int) -> Json:
        return {**self.world.config, **self.settings, "max_concurrency": concurrency}

    def _run(self, step: Step, chance: random.Random) -> None:
        self._one_run(step.details, chance, self.state)

    def _boxed(self, step: Step, chance: random.Random) -> None:
        """Run with a time box until all is loaded, while now and then an item is edited."""
        details = {"concurrency": step.details["concurrency"], "request_seconds": SLOW_REQUEST}
        for _ in range(BOXES):
            streams = len(self.world.stack.content_types) + 1
            requests = len(LISTS) + 6 + streams * step.details["pages"]
            self.settings["max_run_seconds"] = requests * SLOW_REQUEST + TICK
            self._one_run(details, chance, self.state)
            outcome, _ = self._last
            if self._stopped or outcome.code != UNFINISHED:
                break
            self.figures.boxes += 1
            if chance.random() < 0.3:
                self.world.edit(chance)
        else:
            self._fail("starved", f"{BOXES} runs in a row are not enough: {outcome.warnings[-1]}")
        self.settings.pop("max_run_seconds")

    def _refresh(self, step: Step, chance: random.Random) -> None:
        """Do what Meltano's --full-refresh does: the state is hidden, and the new one merged into it."""
        confirmed = self._one_run(step.details, chance, None, dropping=step.details["drop"], refreshing=True)
        rounds = 0
        while step.details["drop"] and not confirmed:
            rounds += 1
            if rounds > SETTLING_RUNS:
                self._fail("settling", "a full refresh confirms no state")
            self._quiet()
            confirmed = self._one_run({}, chance, None, dropping=True, refreshing=True)

    def _one_run(
        self,
        details: Json,
        chance: random.Random,
        state: Json | None,
        *,
        dropping: bool = False,
        refreshing: bool = False,
    ) -> bool:
        """Run the tap, load what it wrote, and compare where that is possible; return whether a state was confirmed."""
        self._given = state
        hidden, lost = details.get("hidden_type"), details.get("lost_from") is not None
        self._confirmed = self._confirming
        outcome, edited = self._tap_run(details, state, chance)
        transcript = self._transcript(outcome)
        restarted = self._check_restarts(outcome, state, transcript)
        if dropping:
            del self._states[1:]  # none of them knows that the rows are lost
            for stream in outcome.selected:
                self.target.tables.pop(stream, None)
                self._stale.pop(stream, None)
        self._last = outcome, transcript
        self._check_memory(state, transcript)
        loss = None
        if details.get("cut") is not None:
            loss = Loss(cut=details["cut"], at_state=details["at_state"], confirm=details["confirm"])
            self.figures.kills += 1
            if last := lines_read(transcript, loss):
                self.world.clock.now = outcome.times[last - 1]
        self._outputs.append(self._scope)
        if details.get("everywhere"):
            self._crash_everywhere(transcript, chance, state, merging=refreshing)
        stops, before = self.figures.reloads, self._live(outcome.selected)
        confirmed = self._load(transcript, loss, chance, state, merging=refreshing)
        self._note_restarts(restarted if confirmed else {})
        self._stopped = self.figures.reloads > stops
        self._note_stale(transcript)
        complete = outcome.code == 0 and loss is None and not self._stopped
        if not dropping and not self._stopped:
            self._check_rows(outcome, state, before, details)
        if self._unhealed and complete and self._is_healed(state, outcome.selected):
            self._unhealed = False
        if complete:
            self._check_counts(transcript, outcome, calm=not (edited or lost or hidden or details.get("overlay")))
        if complete and not edited and not details.get("overlay") and not lost:
            self._check_gone(state)
            listless = outcome.selected - {*LISTS} | self._known_types(state)
            self._compare(listless if hidden else outcome.selected)
        self._last = outcome, transcript
        return confirmed

    def _missing(self, before: set[tuple[str, Key]]) -> set[tuple[str, Key]]:
        """Return the rows that are not there any more, though they are published."""
        gone = before - self._live({stream for stream, _ in before})
        expected = {stream: published(self.world, self.settings, stream) for stream, _ in gone}
        return {(stream, key) for stream, key in gone if key in expected[stream]}

    def _is_healed(self, given: Json | None, selected: set[str]) -> bool:
        """Return whether a complete run has loaded all streams anew since the last silent change.

        A pass that was under way may have listed what was there before.
        """
        old = self.world.clock.now - self._changed_at > RELOAD_DAYS * DAY
        bookmarks = (given or {}).get("bookmarks") or {}
        under_way = any(_is_under_way(each) for name, each in bookmarks.items() if name in selected)
        return "reload_after_days" in self.settings and old and not under_way

    def _load(
        self, transcript: Transcript, loss: Loss | None, chance: random.Random, state: Json | None, *, merging: bool
    ) -> bool:
        """Let the target load a run's output, and the scheduler keep what it confirms; return whether it confirms."""
        try:
            confirmed = self.target.load(transcript, loss, chance)
        except LoadStoppedError as stop:
            self._on_load_stop(stop, state)
            return False
        if confirmed is None:
            return False
        merging = merging or self.history.setup["merging"]
        self.state = merged(self.state, confirmed) if merging and self.state else confirmed
        self._confirmed_at = len(self._outputs)
        self._states.append((self.state, self._scope, self._confirmed_at))
        return True

    def _crash_everywhere(
        self, transcript: Transcript, chance: random.Random, state: Json | None, *, merging: bool
    ) -> None:
        """See what the next run makes of a crash right behind each STATE, and then go on as if there had been none."""
        kept = self.state, self._confirmed_at, list(self._outputs), list(self._states), self.target
        miscounted, unhealed = dict(self._miscounted), self._unhealed
        confirmed, confirming = self._confirmed, self._confirming
        number = sum(message["type"] == "STATE" for message in transcript.messages)
        for end in range(number) if number <= CRASHES else sorted(chance.sample(range(number), CRASHES)):
            self.target = kept[4].copy()
            loss = Loss(cut=(end + 0.5) / number, at_state=True, confirm="last")
            self.figures.kills += 1
            self._load(transcript, loss, chance, state, merging=merging)
            self._one_run({}, chance, self.state)
            self.state, self._confirmed_at, outputs, states, _ = kept
            self._outputs, self._states = list(outputs), list(states)
            self._miscounted, self._unhealed = dict(miscounted), unhealed
            self._confirmed, self._confirming = confirmed, confirming
        self.target = kept[4]

    def _tap_run(self, details: Json, state: Json | None, chance: random.Random) -> tuple[Outcome, bool]:
        edits = {(number, when): seed for number, when, seed in details.get("edits", ())}
        edits_before = self.world.edits

        def edit(number: int, when: str) -> None:
            if number > LONGEST_RUN:
                self._fail("endless", f"a run asks more than {LONGEST_RUN} times")
            if number == lost_from and when == "before":
                self.world.sandbox.behaviour = replace(self.world.sandbox.behaviour, access="lost")
            if number == details.get("retract_at") and when == "after":
                self.world.retract(chance)
            if (number, when) in edits:
                self.world.edit(chance_of("edit", edits[number, when]))

        lost_from, behaviour = details.get("lost_from"), self.world.sandbox.behaviour
        self.world.sandbox.behaviour = replace(behaviour, **details.get("overlay", {}))
        self.world.sandbox.faults.clear()
        self._excused |= bool(details.get("overlay"))
        self._excused |= any(fault["kind"] == "refused_token" for fault in details.get("faults", ()))
        self._counts_are_right &= self.world.sandbox.behaviour.total_count == "right"
        self._excused |= details.get("short_page") is not None or "wrong" in self.world.sandbox.behaviour.total_count
        for fault in details.get("faults", ()):
            self.world.sandbox.faults.add(Fault(**fault))
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
        config = self._whole_config(details.get("concurrency", 1)) | {"allow_empty": self._confirming}
        outcome = run_tap(
            self.world.sandbox, self.world.clock, config, state, self.catalog, plan, tap_class=self._tap_class
        )
        self.world.sandbox.faults.clear()
        self.world.sandbox.behaviour = behaviour
        self.figures.runs += 1
        self.figures.faults += outcome.faults
        self.figures.stops += outcome.code == STOPPED
        if outcome.crashes:
            self._fail("crash", outcome.crashes[0])
        edited = self.world.edits != edits_before
        misled = bool(details.get("hidden_type")) or lost_from is not None or edited
        self._confirming = self._is_braked(outcome, misled=misled)
        for warning in outcome.warnings if not self._excused else ():
            if "The stream restarts" in warning and re.search("is refused|did not hold", warning):
                self._fail("waste", warning)
        return outcome, edited

    def _check_restarts(self, outcome: Outcome, given: Json | None, transcript: Transcript) -> dict[str, int]:
        """See that a pass that has restarted for a miscount does not do so again.

        Return the version that each stream announced when it did; one that restarts for another reason as well begins
        another pass.
        """
        bookmarks = (given or {}).get("bookmarks") or {}
        reasons: dict[str, list[str]] = {}
        for stream, text in outcome.restarts:
            reasons.setdefault(stream, []).append(text)
        announced: dict[str, int] = {}
        for stream in (name for name, texts in reasons.items() if len(texts) == 1 and MISCOUNT in texts[0]):
            resumed: t.Any = bookmarks.get(stream)
            if _is_under_way(resumed) and resumed.get("version") == self._miscounted.get(stream):
                self._fail("waste", f"{stream} restarts for a miscount, as it did in an earlier run")
            versions = transcript.versions(stream)
            announced |= {stream: max(versions)} if len(versions) > 1 else {}
        return announced

    def _note_restarts(self, announced: dict[str, int]) -> None:
        """Note the versions of passes that have restarted for a miscount, as far as the confirmed state is of these."""
        bookmarks = (self.state or {}).get("bookmarks") or {}
        for stream, version in announced.items():
            if isinstance(bookmarks.get(stream), dict) and bookmarks[stream].get("version") == version:
                self._miscounted[stream] = version

    def _check_rows(self, outcome: Outcome, given: Json | None, before: set[tuple[str, Key]], details: Json) -> None:
        """See that no rows went that a mistake of the user or a token without access could have cost."""
        if outcome.code == 0 and details.get("cut") is None:
            self._check_brakes(outcome, given, before)
        if details.get("lost_from") is not None and (rows := self._missing(before)):
            self._fail("lost", f"without access, {sorted(rows)} are removed, which are published")

    def _check_brakes(self, outcome: Outcome, given: Json | None, before: set[tuple[str, Key]]) -> None:
        """See that a run that knew rows does not sweep all of them, unless the user has confirmed that."""
        if self.history.setup["mapped"]:  # what it listed may all have been filtered
            return
        bookmarks = [each for each in ((given or {}).get("bookmarks") or {}).values() if isinstance(each, dict)]
        followed = {each.get("replication_key_value") for each in bookmarks} - {None}
        asked = {each.params.get("sync_token") for each in outcome.asked if each.status == HTTPStatus.OK}
        knew = any(each.get("locales") or HAD_ROWS in each.get("restarts", ()) for each in bookmarks)
        swept = before and all(key not in self.target.tables[stream].rows for stream, key in before)
        if swept and knew and not followed & asked and not self._confirmed and not self._live(outcome.selected):
            self._fail("brake", f"all of {len(before)} rows are swept, and nobody has confirmed that")

    def _live(self, selected: set[str]) -> set[tuple[str, Key]]:
        """Return the live rows of the streams that follow the feed."""
        return {(stream, key) for stream in selected - {*LISTS} for key in self.target.live(stream)}

    def _is_braked(self, outcome: Outcome, *, misled: bool) -> bool:
        """Return whether a run stopped because all seems to be gone; then it must be so, and the user confirms it."""
        asked = [warning for warning in outcome.warnings if "run once with allow_empty" in warning]
        listless = any("lists no content type" in warning for warning in asked)
        if listless and not misled and self.world.stack.content_types:
            self._fail("brake", asked[0])
        if not misled and any("nothing at all is published in scope" in warning for warning in asked):
            feeds = sorted(outcome.selected - {*LISTS})
            if found := [stream for stream in feeds if published(self.world, self.settings, stream)]:
                self._fail("brake", f"{asked[0]}, but there is something in {found}")
        return bool(asked) and not misled

    def _known_types(self, state: Json | None) -> set[str]:
        """Return the streams of content types that a run has to load even if no list has them: its state knows them."""
        if self.catalog or self.settings.get("content_types") or self.settings.get("entry_streams") == "combined":
            return set()
        streams = {stream_name(uid) for uid in self.world.stack.content_types}
        return streams & ((state or {}).get("bookmarks") or {}).keys() if not self._damaged else set()

    def _hidden_type(self, details: Json, chance: random.Random) -> str | None:
        uids = sorted(self.world.stack.content_types)
        return chance.choice(uids) if uids and details.get("hidden_type") else None

    def _transcript(self, outcome: Outcome) -> Transcript:
        try:
            transcript = Transcript(outcome.lines)
        except RuleBrokenError as error:
            self._fail("rule", str(error))
        self.figures.records += len(transcript.records_of_others())
        return transcript

    def _on_load_stop(self, stop: LoadStoppedError, state: Json | None) -> None:
        """Drop the table as documented if its column type is not remembered; otherwise the tap should have kept it."""
        bookmark = ((state or {}).get("bookmarks") or {}).get(stop.stream)
        table = self.target.tables[stop.stream]
        types = bookmark.get("types") if isinstance(bookmark, dict) else None
        kind = types.get(stop.column) if isinstance(types, dict) else None
        if isinstance(kind, str) and kind.strip("()") == table.columns[stop.column]:
            self._fail("column", f"{stop}, though the state remembers it")
        self.figures.reloads += 1
        del self.target.tables[stop.stream]
        self.state = without(self.state, stop.stream)
        self._states = [(without(old, stop.stream), scope, outputs) for old, scope, outputs in self._states]

    # What must hold

    def _quiet(self) -> None:
        self.world.sandbox.faults.clear()
        self.settings["on_scope_change"] = "restart"
        self.settings.pop("content_types", None)
        if not all(self.world.stack.has_locale(locale) for locale in self.settings.get("locales", ())):
            self.settings.pop("locales")  # the API may refuse to be asked about it

    def _converge(self) -> Outcome:
        """Run until a run exits 0."""
        outcome = None
        for number in range(SETTLING_RUNS):
            self._one_run({}, chance_of("settle", number), self.state)
            outcome, _ = self._last
            if outcome.code == 0 and not self._stopped:
                return outcome
            if number == 1:
                self._quiet()
        return self._fail("settling", f"no run exits 0: {outcome.warnings[-3:] if outcome else None}")

    def _settle(self) -> None:
        if self.settings.get("event_types"):
            self._change(lambda: self.settings.pop("event_types"))
        outcome = self._converge()
        for _ in range(RELOADS if self._unhealed else 0):
            self._reload()
            outcome = self._converge()
            if not self._unhealed:
                break
        if self._unhealed:
            self._fail("settling", "no run has loaded all streams anew")
        self._compare(outcome.selected)
        if not (self.catalog and "FULL_TABLE" in {entry.get("replication_method") for entry in self._feed_entries()}):
            self._check_idle()

    def _feed_entries(self) -> list[Json]:
        return [
            each
            for each in (self.catalog or {"streams": []})["streams"]
            if each["tap_stream_id"] not in {*LISTS, LOADS}
        ]

    def _check_idle(self) -> None:
        self._one_run({}, chance_of("idle"), self.state)
        outcome, transcript = self._last
        if self.settings.get("content_types") and any("matches no content type" in each for each in outcome.warnings):
            return  # the one that it named is gone, and so is its bookmark
        if self._confirming and self.history.setup["merging"]:
            return  # the scheduler has brought the bookmark of a type that is gone back
        if outcome.code:
            self._fail("idle", f"a run with nothing to do exits {outcome.code}: {outcome.warnings}")
        asked = [each.params for each in outcome.asked if each.path == "/v3/stacks/sync"]
        if self.history.setup["counted"]:
            asked = [each for each in asked if each.get("type") != "entry_published"]  # asks for a number alone
        if busy := [params for params in asked if "sync_token" not in params]:
            self._fail("idle", f"a run with nothing to do asks {busy[0]}")
        if records := [
            each for each in transcript.messages if each["type"] == "RECORD" and each["stream"] not in {*LISTS, LOADS}
        ]:
            self._fail("idle", f"a run with nothing to do writes {records[0]}")

    def _check_memory(self, given: Json | None, transcript: Transcript) -> None:
        """See that no state forgets a column that the one before knew."""
        states = [message["value"] for message in transcript.messages if message["type"] == "STATE"]
        for name, bookmark in ((given or {}).get("bookmarks") or {}).items():
            types = bookmark.get("types") if isinstance(bookmark, dict) else None
            known = (
                {column for column, kind in types.items() if isinstance(kind, str)} if isinstance(types, dict) else ()
            )
            for state in states:
                kept = state["bookmarks"].get(name)
                if kept and known and (forgotten := set(known) - (kept.get("types") or {}).keys()):
                    self._fail("column", f"the state of {name} forgets {sorted(forgotten)}")

    def _check_gone(self, state: Json | None) -> None:
        """See that the tables of content types that are gone are empty, as far as the state knew them."""
        for name, bookmark in ((state or {}).get("bookmarks") or {}).items():
            uid = bookmark.get("content_type_uid") if isinstance(bookmark, dict) else None
            gone = isinstance(uid, str) and name == stream_name(uid) and uid not in self.world.stack.content_types
            if gone and (rows := self.target.live(name)):
                self._fail("gone", f"{name} still has {sorted(rows)}")

    def _compare(self, streams: set[str]) -> None:
        if self.settings.get("event_types") or self._unhealed:
            return
        left_out = {stream: self._stale.get(stream, set()) | self._deselected(stream) for stream in streams}
        for difference in differences(
            self.world, self.settings, self.target, streams, forgotten=left_out, is_left=self._is_left
        ):
            self._fail("content", difference)

    def _check_counts(self, transcript: Transcript, outcome: Outcome, *, calm: bool) -> None:
        """See that what the API counts is what the target has, and that it is told where nothing stands against it."""
        if self.history.setup["mapped"]:  # it counts what no map has filtered
            return
        rows = {
            message["record"]["stream"]: message["record"]["published"]
            for message in transcript.messages
            if message["type"] == "RECORD" and message["stream"] == LOADS
        }
        narrowed = self.settings.get("event_types") or self.settings.get("start_date")
        is_boxed = "max_run_seconds" in self.settings  # the time may be over once the items are read
        may_be_open = outcome.faults or narrowed or self._unhealed or is_boxed or not calm
        is_total_right = self.world.sandbox.behaviour.total_count == "right"
        for stream in outcome.selected - {*LISTS}:
            counted = rows.get(stream)
            if counted is None:
                # What is counted of all types together has to add up to what the feed says.
                can_be_told = is_total_right or stream != COMBINED_STREAM
                if self.history.setup["counted"] and not may_be_open and can_be_told and stream in rows:
                    self._fail("uncounted", f"nothing tells how many items of {stream} are published")
                continue
            found = Counter(locale for _, locale in self.target.live(stream))
            if not self._unhealed and found != Counter(counted):
                self._fail("count", f"{stream}: the API counts {counted}, and the target has {dict(found)}")

    def _deselected(self, stream: str) -> set[str]:
        """Return the columns that the catalog of now leaves out."""
        entries = [each for each in (self.catalog or {"streams": []})["streams"] if each["tap_stream_id"] == stream]
        columns = [metadata for entry in entries for metadata in _columns_of(entry)]
        return {each["breadcrumb"][1] for each in columns if each["metadata"].get("selected") is False}

    def _is_left(self, stream: str, key: Key) -> bool:
        """Return whether a row may be left over from a delete that did not tell its locale, as no state did either."""
        behaviour = self.world.sandbox.behaviour
        if behaviour.deletes == "per_locale" or behaviour.compaction == "none":
            return False
        bookmarks = ((self._given or {}).get("bookmarks") or {}).values()
        lists = [bookmark.get("locales") for bookmark in bookmarks if isinstance(bookmark, dict)]
        if key[-1] not in {locale for locales in lists if isinstance(locales, list) for locale in locales}:
            self._left.add((stream, key))
        return (stream, key) in self._left

    def _note_stale(self, transcript: Transcript) -> None:
        """Note the columns of tables that a run could not know of: their field and the state are gone."""
        bookmarks = (self._given or {}).get("bookmarks") or {}
        for stream, table in self.target.tables.items():
            bookmark = bookmarks.get(stream)
            types = bookmark.get("types") if isinstance(bookmark, dict) else None
            if columns := transcript.columns(stream):
                known = columns | set(types if isinstance(types, dict) else ())
                self._stale.setdefault(stream, set()).update(table.columns.keys() - known - {"uid", *ADDED})

    def _fail(self, what: str, text: str) -> t.NoReturn:
        msg = f"{what}: {text}"
        raise DivergenceError(msg)


def _columns_of(entry: Json) -> list[Json]:
    """Return the metadata of a stream's columns of content that can be deselected."""
    return [
        each
        for each in entry["metadata"]
        if entry["tap_stream_id"] not in {*LISTS, LOADS}
        and len(each["breadcrumb"]) == len(("properties", "column"))
        and each["breadcrumb"][1] not in {"uid", "data", *ADDED}
    ]


def _is_under_way(bookmark: t.Any) -> bool:
    """Return whether a bookmark is of an initial pass that can go on."""
    return isinstance(bookmark, dict) and bool(bookmark.get("pagination_token"))


def damage_bookmark(bookmarks: Json, name: str, chance: random.Random) -> None:
    """Edit a bookmark as a hand might that does not know better."""
    bookmark = bookmarks[name]
    kind = chance.choice(("drop", "value", "value", "value", "more", "all"))
    if kind == "drop" and bookmark:
        del bookmark[chance.choice(sorted(bookmark))]
    elif kind == "more":
        bookmark["more"] = {"a": 1}
    elif kind == "all":
        bookmarks[name] = chance.choice((None, 5, [], {}, {"replication_key_value": "2024-01-01T00:00:00Z"}))
    else:
        values: dict[str, tuple[t.Any, ...]] = {
            "replication_key": (None, "updated_at"),
            "replication_key_value": ("bogus", 5, ""),
            "pagination_token": ("bogus", 5),
            "items_seen": (-1, "3", None),
            "version": (None, 0, "7", True),
            "scope": ("bogus", None, 5, "a:b c"),
            "content_type_uid": (5, "", "no/such type?"),
            "locales": (None, "en-us", [5]),
            "types": (None, [], {"price": 5}),
            "format": (2, None, True),
        }
        key = chance.choice(sorted(values))
        bookmark[key] = chance.choice(values[key])


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


def play(history: History, tap_class: type[MemoryTap] = MemoryTap) -> Figures:
    """Play a history.

    Raises:
        DivergenceError: Something that must hold does not.
    """
    playing = Play(history, tap_class)
    playing.play()
    playing.figures.edits = playing.world.edits
    return playing.figures
