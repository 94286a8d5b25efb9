"""One environment of a stack, and where it is loaded to: what the graph's steps do, without the graph."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import typing as t

import dagster as dg

from contentstack_dagster import pipe
from contentstack_dagster.shards import pack, pages_left
from contentstack_dagster.store import Store

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Json: t.TypeAlias = dict[str, t.Any]

LISTS = {"content_types", "global_fields", "taxonomies", "taxonomy_terms"}
LOADS = "loads"


class Contentstack(dg.ConfigurableResource):
    """One environment of a stack, and where it is loaded to.

    All other settings come from environment variables, TAP_CONTENTSTACK_… and those of the target (TARGET_POSTGRES_…),
    which all environments share.
    """

    environment: str
    access_token: str
    schema_name: str
    state_url: str
    shards: int = 4
    """How many shards may run at once."""
    pages_per_shard: int = 200
    """A shard with fewer pages is not worth the start of its processes."""
    python: str = "python"
    """The interpreter of the environment that tap-contentstack is installed in."""
    target: str = "target-postgres"

    @property
    def store(self) -> Store:
        """The streams' states."""
        return Store(f"{self.state_url.rstrip('/')}/{self.environment}")

    def variables(self, at_once: int = 1) -> dict[str, str]:
        """Return the environment variables of the tap and the target.

        Args:
            at_once: How many shards share the request rate.
        """
        own = {
            "TAP_CONTENTSTACK_ENVIRONMENT": self.environment,
            "TAP_CONTENTSTACK_ACCESS_TOKEN": self.access_token,
            "TAP_CONTENTSTACK_COUNT_PUBLISHED": "true",
            f"{self.target.replace('-', '_').upper()}_DEFAULT_TARGET_SCHEMA": self.schema_name,
        }
        rate = "TAP_CONTENTSTACK_MAX_REQUESTS_PER_SECOND"
        if whole := os.environ.get(rate):
            own[rate] = str(float(whole) / at_once)
        return {**os.environ, **own}

    def catalog(self) -> dict[str, Json]:
        """Return the catalog's entries of the streams that there are now, by name."""
        found = self._ask("tap_contentstack", "--config=ENV", "--discover")["streams"]
        return {each["tap_stream_id"]: each for each in found if each["tap_stream_id"] != LOADS}

    def plan(self, streams: Collection[str]) -> list[list[str]]:
        """Return which of the streams to load together."""
        store = self.store
        known = {stream: store.read(stream) for stream in streams}
        new = [stream for stream in streams if not known[stream]]
        items = self._ask("tap_contentstack.sizes", *new) if new else {}
        pages = {stream: pages_left(known[stream], items.get(stream)) for stream in streams}
        return pack(pages, self.shards, self.pages_per_shard) if pages else []

    def load(
        self,
        streams: Iterable[str],
        catalog: Iterable[Json],
        *,
        at_once: int = 1,
        reload_before: dt.datetime | None = None,
    ) -> pipe.Ending:
        """Load streams, and store their states.

        Args:
            streams: Whose states are read and stored: the catalog's streams, and perhaps gone ones.
            catalog: The catalog's entries.
            at_once: How many shards share the request rate.
            reload_before: Streams whose last initial pass ended before this are loaded in full.
        """
        store = self.store
        before = {stream: store.read(stream) for stream in streams}
        bookmarks = {stream: known["bookmark"] for stream, known in before.items() if known}
        due = {each for each in bookmarks if reload_before and _full_load_at(bookmarks[each]) < reload_before}
        methods = {each: {"replication_method": "FULL_TABLE"} for each in due}

        def confirm(state: Json, summary: Json) -> None:
            for stream, known in before.items():
                if bookmark := state["bookmarks"].get(stream):
                    ended = summary.get(stream, {})
                    pages = 1 if ended.get("reloaded") else ended.get("pages", 1)
                    store.write(stream, known, {"bookmark": bookmark, "pages": pages})
                elif stream in bookmarks:
                    store.write(stream, known, {})  # the tap has emptied the table of a type that is gone

        return pipe.run(
            [self.python, "-m", "tap_contentstack"],
            [self.target],
            self.variables(at_once),
            catalog={"streams": [each | methods.get(each["tap_stream_id"], {}) for each in catalog]},
            state={"bookmarks": bookmarks},
            confirm=confirm,
        )

    def _ask(self, module: str, *arguments: str) -> Json:
        command = [self.python, "-m", module, *arguments]
        done = subprocess.run(command, env=self.variables(), stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise dg.Failure(description=f"{module} failed with exit code {done.returncode}: see the log of this step")
        return t.cast("Json", json.loads(done.stdout))


def _full_load_at(bookmark: Json) -> dt.datetime:
    return dt.datetime.fromisoformat(bookmark["full_load_at"] or "0001-01-01T00:00:00Z")
