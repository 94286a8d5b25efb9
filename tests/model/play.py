"""The player of a history: it takes the steps one by one, those of the stack, those of the user, and the runs."""

from __future__ import annotations

import copy
import random
import typing as t
from tempfile import TemporaryDirectory

from sandbox import Behaviour
from sandbox.clock import iso
from tests.model.clock import BEGINNING
from tests.model.damage import damaged
from tests.model.deployment import Deployment, columns_of
from tests.model.divergence import fail
from tests.model.figures import Figures
from tests.model.judge import Judge
from tests.model.process import MemoryTap
from tests.model.runs import Runs
from tests.model.settling import SETTLING_RUNS, Settling
from tests.model.steps import chance_of
from tests.tap_process import LISTS

if t.TYPE_CHECKING:
    from tests.model.history import History
    from tests.model.steps import Step

TIME_LIMITS = 60
"""Runs with a time limit in which a stack of a few dozen pages has to be loaded."""
SLOW_REQUEST = 0.25
"""Seconds."""
TICK = 1.5
"""Seconds that runs wait for the next whole one, to have a version of their own."""
UNFINISHED = 75


class Play:
    """A history under way."""

    def __init__(self, history: History, tap_class: type[MemoryTap] = MemoryTap) -> None:
        """Set the stage."""
        self.history = history
        self.figures = Figures(histories=1)
        self.deployment = Deployment(history)
        self.world, self.scheduler = self.deployment.world, self.deployment.scheduler
        self.judge = Judge(self.deployment)
        self.runs = Runs(self.deployment, self.judge, self.figures, tap_class)
        self.settling = Settling(self.deployment, self.judge, self.runs)
        self._scopes = {self.deployment.scope}

    def play(self) -> None:
        """Take all steps, let things settle, and see what is there.

        Raises:
            DivergenceError: Something that must hold does not.
        """
        random.seed(self.history.seed)  # the tap's waits have a random part
        with TemporaryDirectory(prefix="batches-") as folder:
            self.deployment.write_batches(folder)
            for step in self.history.steps:
                getattr(self, f"_{step.kind}")(step, chance_of(step.kind, step.seed))
            if self.deployment.settings.get("event_types"):
                self._change(lambda: self.deployment.settings.pop("event_types"))
            self.settling.settle()

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

    def _asset(self, step: Step, _: random.Random) -> None:
        """Publish an asset to two locales, or delete it in one of them."""
        if step.details["how"] == "publish":
            self.world.stack.publish_asset("alone", {}, self.world.stack.locales[:2])
        else:
            self.world.stack.delete_asset("alone", self.world.stack.locales[0])

    def _silent(self, step: Step, chance: random.Random) -> None:
        """Change something that no event tells of: nothing is compared until full passes have brought it."""
        self.judge.note_silent_change()
        if not step.details.get("language"):
            self.world.change_silently(chance)
        elif len(self.world.stack.locales) > 1:
            self.world.stack.delete_locale(self.world.stack.locales[-1])

    def _reload(self, *_: t.Any) -> None:
        self.deployment.reload()

    def _wait(self, step: Step, _: random.Random) -> None:
        self.world.clock.sleep(step.details["seconds"])

    def _switch(self, step: Step, _: random.Random) -> None:
        self.world.sandbox.behaviour = Behaviour(**step.details)

    def _expire(self, step: Step, _: random.Random) -> None:
        self.runs.restarts.excused = True
        self.world.sandbox.expire_tokens(step.details["tokens"])

    # Steps of the user

    def _change(self, change: t.Callable[[], None]) -> None:
        """Change the configuration, within the limits of the guarantee."""
        deployment, ahead = self.deployment, self.scheduler.ahead
        before, settings, catalog = deployment.scope, dict(deployment.settings), copy.deepcopy(deployment.catalog)
        change()
        if deployment.scope == before or not ahead:
            self._scopes.add(deployment.scope)
            return
        if deployment.scope not in self._scopes and set(ahead) == {before}:
            self._scopes.add(deployment.scope)
            return
        deployment.settings, deployment.catalog = settings, catalog
        self.settling.converge()
        change()
        self._scopes.add(deployment.scope)

    def _config(self, step: Step, _: random.Random) -> None:
        name, value = step.details["name"], step.details["value"]
        if name == "start_date" and value is not None:
            value = iso(int((BEGINNING + value * (self.world.clock.now - BEGINNING)) * 1000))

        def change() -> None:
            if value is None:
                self.deployment.settings.pop(name, None)
            else:
                self.deployment.settings[name] = value

        self._change(change)

    def _catalog(self, step: Step, chance: random.Random) -> None:
        how = step.details["how"]
        catalog = None if how == "clear" else self.runs.discovered()
        if catalog and how != "pin":
            entry = chance.choice(catalog["streams"])
            if how == "full_table":
                entry["replication_method"] = "FULL_TABLE"
            for metadata in entry["metadata"]:
                if metadata["breadcrumb"] == [] and how == "deselect":
                    metadata["metadata"]["selected"] = False
            if how == "column" and not self.deployment.setup["mapped"]:  # no map can use a column that is left out
                for metadata in chance.sample(columns_of(entry), k=min(2, len(columns_of(entry)))):
                    metadata["metadata"]["selected"] = False

        def change() -> None:
            self.deployment.catalog = catalog

        self._change(change)

    def _damage(self, step: Step, chance: random.Random) -> None:
        how = step.details["how"]
        self.runs.restarts.excused = self.scheduler.damaged = True
        if how in {"old", "none"}:
            states = self.scheduler.states
            self.scheduler.go_back(states[0] if how == "none" else chance.choice(states), self.deployment.scope)
        elif self.scheduler.state is not None:
            self.scheduler.state = damaged(self.scheduler.state, how, chance)

    # Runs

    def _run(self, step: Step, chance: random.Random) -> None:
        self.runs.run(step.details, chance, self.scheduler.state)

    def _boxed(self, step: Step, chance: random.Random) -> None:
        """Run with a time limit until all is loaded, while now and then an item is edited."""
        settings = self.deployment.settings
        details = {"concurrency": step.details["concurrency"], "request_seconds": SLOW_REQUEST}
        for _ in range(TIME_LIMITS):
            streams = len(self.world.stack.content_types) + 1
            requests = len(LISTS) + 6 + streams * step.details["pages"]
            settings["max_run_seconds"] = requests * SLOW_REQUEST + TICK
            self.runs.run(details, chance, self.scheduler.state)
            outcome, _ = self.runs.last
            if self.runs.stopped or outcome.code != UNFINISHED:
                break
            self.figures.boxes += 1
            if chance.random() < 0.3:
                self.world.edit(chance)
        else:
            fail("starved", f"{TIME_LIMITS} runs in a row are not enough: {outcome.warnings[-1]}")
        settings.pop("max_run_seconds")

    def _refresh(self, step: Step, chance: random.Random) -> None:
        """Do what Meltano's --full-refresh does: the state is hidden, and the new one merged into it."""
        confirmed = self.runs.run(step.details, chance, None, dropping=step.details["drop"], refreshing=True)
        rounds = 0
        while step.details["drop"] and not confirmed:
            rounds += 1
            if rounds > SETTLING_RUNS:
                fail("settling", "a full refresh confirms no state")
            self.deployment.quiet()
            confirmed = self.runs.run({}, chance, None, dropping=True, refreshing=True)


def play(history: History, tap_class: type[MemoryTap] = MemoryTap) -> Figures:
    """Play a history.

    Raises:
        DivergenceError: Something that must hold does not.
    """
    playing = Play(history, tap_class)
    playing.play()
    playing.figures.edits = playing.world.edits
    return playing.figures
