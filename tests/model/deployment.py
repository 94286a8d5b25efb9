"""A deployment: the tap as one user runs it, with its settings, catalog and state, from a stack to a target."""

from __future__ import annotations

import json
import typing as t

from sandbox import Behaviour
from tests.model.maps import MAPS
from tests.model.scheduler import Scheduler
from tests.model.steps import SCOPE_SETTINGS, chance_of
from tests.model.target import ADDED, Target
from tests.model.world import World
from tests.tap_process import LISTS, LOADS

if t.TYPE_CHECKING:
    from tests.model.history import History
    from tests.model.steps import Json
    from tests.model.target import Key

RELOAD_DAYS, WAIT_DAYS, DAY = 1, 3, 86_400


class Deployment:
    """What runs of the tap are started with, and what they load.

    Attributes:
        setup: The choices that stay the same for the whole history.
        world: The stack, and its API.
        target: What is loaded so far.
        settings: The tap's settings, beyond those that every run has.
        catalog: The tap's catalog, if there is one.
        scheduler: What keeps the state.
    """

    def __init__(self, history: History) -> None:
        """Set up what a history begins with."""
        setup = history.setup
        self.setup = setup
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
        self.scheduler = Scheduler(self.scope, merging=setup["merging"])

    @property
    def scope(self) -> str:
        settings = {name: self.settings.get(name) for name in SCOPE_SETTINGS}
        return json.dumps([settings, self.catalog], sort_keys=True)

    def whole_config(self, concurrency: int) -> Json:
        return {**self.world.config, **self.settings, "max_concurrency": concurrency}

    def write_batches(self, folder: str) -> None:
        """Let the runs from now on write batch files, if the setup says so."""
        if self.setup["batch_size"]:
            self.settings["batch_config"] = {
                "encoding": {"format": "jsonl", "compression": "gzip"},
                "storage": {"root": f"file://{folder}"},
                "batch_size": self.setup["batch_size"],
            }

    def reload(self) -> None:
        """Let the runs from now on reload what was loaded before a silent change."""
        self.settings["reload_after_days"] = RELOAD_DAYS
        self.world.clock.sleep(WAIT_DAYS * DAY)

    def quiet(self) -> None:
        """Take away what may keep a run from its end: faults, and settings that are refused."""
        self.world.sandbox.faults.clear()
        self.settings["on_scope_change"] = "restart"
        self.settings.pop("content_types", None)
        if not all(self.world.stack.has_locale(locale) for locale in self.settings.get("locales", ())):
            self.settings.pop("locales")  # the API may refuse to be asked about it

    def live(self, selected: set[str]) -> set[tuple[str, Key]]:
        """Return the live rows of the streams that follow the feed."""
        return {(stream, key) for stream in selected - {*LISTS} for key in self.target.live(stream)}

    def feed_entries(self) -> list[Json]:
        """Return the catalog's entries of the streams that follow the feed."""
        return [
            each
            for each in (self.catalog or {"streams": []})["streams"]
            if each["tap_stream_id"] not in {*LISTS, LOADS}
        ]

    def deselected(self, stream: str) -> set[str]:
        """Return the columns that the catalog of now leaves out."""
        entries = [each for each in (self.catalog or {"streams": []})["streams"] if each["tap_stream_id"] == stream]
        columns = [metadata for entry in entries for metadata in columns_of(entry)]
        return {each["breadcrumb"][1] for each in columns if each["metadata"].get("selected") is False}


def columns_of(entry: Json) -> list[Json]:
    """Return the metadata of a stream's columns of content that can be deselected."""
    return [
        each
        for each in entry["metadata"]
        if entry["tap_stream_id"] not in {*LISTS, LOADS}
        and len(each["breadcrumb"]) == len(("properties", "column"))
        and each["breadcrumb"][1] not in {"uid", "data", *ADDED}
    ]
