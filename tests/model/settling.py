"""Settling: how a history ends, with runs until all is loaded, and one that has nothing to do."""

from __future__ import annotations

import typing as t

from tests.model.divergence import fail
from tests.model.steps import chance_of
from tests.tap_process import LISTS, LOADS

if t.TYPE_CHECKING:
    from tests.model.deployment import Deployment
    from tests.model.judge import Judge
    from tests.model.process import Outcome
    from tests.model.runs import Runs

SETTLING_RUNS = 5
RELOADS = 3


class Settling:
    """Lets a deployment come to rest."""

    def __init__(self, deployment: Deployment, judge: Judge, runs: Runs) -> None:
        self._deployment, self._judge, self._runs = deployment, judge, runs

    def converge(self) -> Outcome:
        """Run until a run exits 0."""
        outcome = None
        for number in range(SETTLING_RUNS):
            self._runs.run({}, chance_of("settle", number), self._deployment.scheduler.state)
            outcome, _ = self._runs.last
            if outcome.code == 0 and not self._runs.stopped:
                return outcome
            if number == 1:
                self._deployment.quiet()
        return fail("settling", f"no run exits 0: {outcome.warnings[-3:] if outcome else None}")

    def settle(self) -> None:
        """Converge, reload what changed silently, and see what is there."""
        outcome = self.converge()
        for _ in range(RELOADS if self._judge.unhealed else 0):
            self._deployment.reload()
            outcome = self.converge()
            if not self._judge.unhealed:
                break
        if self._judge.unhealed:
            fail("settling", "no run has loaded all streams anew")
        self._judge.compare(outcome.selected)
        methods = {entry.get("replication_method") for entry in self._deployment.feed_entries()}
        if "FULL_TABLE" not in methods:
            self._check_idle()

    def _check_idle(self) -> None:
        """See that a run with nothing to do does nothing."""
        settings, setup = self._deployment.settings, self._deployment.setup
        self._runs.run({}, chance_of("idle"), self._deployment.scheduler.state)
        outcome, transcript = self._runs.last
        if settings.get("content_types") and any("matches no content type" in each for each in outcome.warnings):
            return  # the one that it named is gone, and so is its bookmark
        if self._runs.brakes.confirming and setup["merging"]:
            return  # the scheduler has brought the bookmark of a type that is gone back
        if outcome.code:
            fail("idle", f"a run with nothing to do exits {outcome.code}: {outcome.warnings}")
        asked = [each.params for each in outcome.asked if each.path == "/v3/stacks/sync"]
        if setup["counted"]:
            asked = [each for each in asked if each.get("type") != "entry_published"]  # asks for a number alone
        if busy := [params for params in asked if "sync_token" not in params]:
            fail("idle", f"a run with nothing to do asks {busy[0]}")
        if records := [
            each for each in transcript.messages if each["type"] == "RECORD" and each["stream"] not in {*LISTS, LOADS}
        ]:
            fail("idle", f"a run with nothing to do writes {records[0]}")
