"""Histories with real processes: the tap and target-postgres, real signals, a real Postgres.

The limits are those of all histories, which `__init__.py` lists. Beyond them, no field changes its type here: what the
memory target says of that was seen with this one.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import signal
import typing as t
from dataclasses import dataclass, field
from http import HTTPStatus

from psycopg.rows import dict_row

from sandbox import Behaviour, Fault
from tap_contentstack.schema.names import stream_name
from tests.model.clock import RealClock
from tests.model.compare import differences, published
from tests.model.divergence import DivergenceError
from tests.model.figures import Figures
from tests.model.programs import Programs, Victim, Violence
from tests.model.scheduler import merged
from tests.model.steps import chance_of, make_behaviour, make_fault
from tests.model.target import Row, Table
from tests.model.world import World
from tests.tap_process import ITEM_KEYS, LIST_KEYS, LISTS, LOADS

if t.TYPE_CHECKING:
    import random
    from pathlib import Path

    import psycopg

    from demo.postgres import Postgres

Json: t.TypeAlias = dict[str, t.Any]
SETTLING_RUNS = 4


@dataclass
class Warehouse:
    """What a Postgres schema holds, in the shape of the memory target."""

    connection: psycopg.Connection[t.Any]
    schema: str
    tables: dict[str, Table] = field(default_factory=dict)

    def live(self, stream: str) -> dict[tuple[t.Any, ...], Row]:
        table = self.tables.setdefault(stream, Table())
        columns = self.connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
            (self.schema, stream),
        ).fetchall()
        if not columns:
            return {}
        table.columns = dict(columns)
        table.dates = {name for name, kind in columns if kind.startswith("timestamp")}
        keys = {**LIST_KEYS, LOADS: ["stream"]}.get(stream, ITEM_KEYS)
        cursor = self.connection.cursor(row_factory=dict_row)
        rows = cursor.execute(f'SELECT * FROM "{self.schema}"."{stream}" WHERE _sdc_deleted_at IS NULL').fetchall()
        return {tuple(row[key] for key in keys): Row(as_json(row), None) for row in rows}


def as_json(row: Json) -> Json:
    """Return a row as the tap wrote it."""
    return {name: plain(value) for name, value in row.items() if not name.startswith("_sdc_")}


def plain(value: t.Any) -> t.Any:
    if isinstance(value, dt.datetime):
        return value.isoformat() + "Z"
    if isinstance(value, decimal.Decimal):
        return int(value) if value == int(value) else float(value)
    return value


class WarehouseHistory:
    """One history, made and played from its seed."""

    def __init__(self, seed: int, postgres: Postgres, programs: Programs, folder: Path, *, hard_delete: bool) -> None:
        self.seed, self.folder = seed, folder
        self.chance = chance_of("warehouse", seed)
        self.figures = Figures(histories=1)
        self.log: list[str] = []
        locales = self.chance.choice((1, 2, 3))
        self.world = World(
            self.chance,
            locales=locales,
            types=self.chance.choice((1, 2)),
            page_size=self.chance.choice((1, 2, 5)),
            clock=RealClock(),
            retyping=False,
        )
        self._locales = locales
        self.world.sandbox.behaviour = Behaviour(**make_behaviour(self.chance, locales))
        self.state: Json | None = None
        self._states: list[Json | None] = [None]
        self._merging = self.chance.random() < 0.5
        self.settings: Json = {"max_retries": 4}
        if self.chance.random() < 0.35:
            self.settings["entry_streams"] = "combined"
        self._size = 20_000
        self._postgres, self._programs = postgres, programs
        self._schema = f"history_{seed}_{'hard' if hard_delete else 'soft'}"
        self._target: Json = {
            **postgres.settings,
            "default_target_schema": self._schema,
            "hard_delete": hard_delete,
            "batch_size_rows": self.chance.choice((1, 3, 10_000)),
        }

    def play(self) -> Figures:
        """Play it.

        Raises:
            DivergenceError: What must hold does not.
        """
        with self.world.sandbox, self._postgres.connect() as connection:
            self.warehouse = Warehouse(connection, self._schema)
            steps: tuple[tuple[t.Callable[[random.Random], None], int], ...] = (
                (self._edit, 5),
                (self._violent_run, 6),
                (self._run_with_faults, 1),
                (self._expire, 1),
                (self._switch, 1),
                (self._old_state, 1),
                (self._refresh, 1),
            )
            functions, weights = zip(*steps, strict=True)
            try:
                for step in self.chance.choices(functions, weights, k=self.chance.randint(3, 7)):
                    step(self.chance)
                self._settle()
            finally:
                connection.execute(f'DROP SCHEMA IF EXISTS "{self._schema}" CASCADE')
        self.figures.edits = self.world.edits
        return self.figures

    def _edit(self, chance: random.Random) -> None:
        for _ in range(chance.choice((1, 2, 5))):
            self.world.edit(chance)
        self.log.append("edit")

    def _expire(self, chance: random.Random) -> None:
        self.world.sandbox.expire_tokens(chance.choice((None, "sync", "pagination")))
        self.log.append("expire")

    def _switch(self, chance: random.Random) -> None:
        self.world.sandbox.behaviour = Behaviour(**make_behaviour(chance, self._locales))
        self.log.append(f"switch to {self.world.sandbox.behaviour}")

    def _old_state(self, chance: random.Random) -> None:
        self.state = chance.choice(self._states)
        self.log.append("old state")

    def _violent_run(self, chance: random.Random) -> None:
        victim: Victim = chance.choice(("tap", "tap", "target", "both"))
        kind = signal.SIGTERM if victim == "tap" and chance.random() < 0.3 else signal.SIGKILL
        self._run(self.state, Violence(victim=victim, after=int(self._size * chance.random()), signal=kind))

    def _run_with_faults(self, chance: random.Random) -> None:
        for _ in range(3):
            self.world.sandbox.faults.add(Fault(**make_fault(chance)))
        self._run(self.state, None)
        self.world.sandbox.faults.clear()

    def _refresh(self, chance: random.Random) -> None:
        violence = Violence(victim="both", after=int(self._size * chance.random())) if chance.random() < 0.5 else None
        self._run(None, violence, refreshing=True)

    def _run(self, state: Json | None, violence: Violence | None, *, refreshing: bool = False) -> bool:
        """Run both programs; return whether they ended well."""
        before = len(self.world.sandbox.requests)
        config, target, states = (self.folder / name for name in ("config.json", "target.json", "states"))
        config.write_text(json.dumps({**self.world.config, **self.settings, "max_concurrency": 2}))
        target.write_text(json.dumps(self._target))
        arguments = ["--config", str(config)]
        if state is not None:
            (self.folder / "state.json").write_text(json.dumps(state))
            arguments += ["--state", str(self.folder / "state.json")]
        self._ending = self._programs.run(self.folder, arguments, ["--config", str(target)], states, violence)
        asked = self.world.sandbox.requests[before:]
        self.figures.faults += sum(each.status != HTTPStatus.OK for each in asked)
        self.log.append(f"run with {violence}{' refreshing' * refreshing}: {self._ending.tap}, {self._ending.target}")
        if violence is None:
            self._size = max(self._ending.passed, 2000)
        self.figures.runs += 1
        self.figures.kills += self._ending.struck
        self.figures.stops += violence is not None and violence.signal == signal.SIGTERM
        lines = states.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        if whole:
            confirmed = json.loads(whole[-1])
            merging = refreshing or self._merging
            self.state = merged(self.state, confirmed) if merging and self.state else confirmed
            self._states.append(self.state)
        if "Traceback" in self._ending.log and violence is None:
            self._fail("crash", self._ending.log[-2000:])
        return self._ending.tap == 0 and self._ending.target == 0 and not self._ending.struck

    def _settle(self) -> None:
        for _ in range(SETTLING_RUNS):
            if self._run(self.state, None):
                break
            self.settings["allow_empty"] = self._is_braked()
        else:
            self._fail("settling", f"no run exits 0: {self._ending.log[-2000:]}")
        self.settings.pop("allow_empty", None)
        self._compare()
        before = len(self.world.sandbox.requests)
        if not self._run(self.state, None):
            self._fail("idle", f"a run with nothing to do fails: {self._ending.log[-2000:]}")
        asked = [each.params for each in self.world.sandbox.requests[before:] if each.path == "/v3/stacks/sync"]
        if busy := [params for params in asked if "sync_token" not in params]:
            self._fail("idle", f"a run with nothing to do asks {busy[0]}")
        self._compare()

    def _is_braked(self) -> bool:
        """Return whether the run stopped because all seems to be gone; then it must be so, and the user confirms it."""
        if "run once with allow_empty" not in (self.folder / "tap.log").read_text():
            return False
        if found := [stream for stream in self._streams if published(self.world, self.settings, stream)]:
            self._fail("brake", f"there is something in {found}")
        return True

    @property
    def _streams(self) -> set[str]:
        """The streams that follow the feed."""
        combined = "entry_streams" in self.settings
        entries = {"entries"} if combined else {stream_name(uid) for uid in self.world.stack.content_types}
        return {"assets", *entries}

    def _compare(self) -> None:
        for difference in differences(self.world, self.settings, self.warehouse, {*LISTS, *self._streams}):
            self._fail("content", difference)

    def _fail(self, what: str, text: str) -> t.NoReturn:
        story = "\n  ".join(self.log)
        msg = f"{what}: {text}\nwarehouse history {self.seed} in {self._schema}:\n  {story}"
        raise DivergenceError(msg)
