"""The judge: what must hold after a run, of its states, of the rows, and of what was counted."""

from __future__ import annotations

import typing as t
from collections import Counter

from tap_contentstack.schema.names import COMBINED_STREAM, stream_name
from tests.model.compare import differences
from tests.model.deployment import DAY, RELOAD_DAYS
from tests.model.divergence import fail
from tests.model.restarts import is_under_way
from tests.model.target import ADDED
from tests.tap_process import LISTS, LOADS

if t.TYPE_CHECKING:
    from tests.model.deployment import Deployment
    from tests.model.process import Outcome
    from tests.model.steps import Json
    from tests.model.target import Key, Transcript


class Judge:
    """Compares what a deployment's target holds with what is published.

    Attributes:
        given: The state that the last run got.
        unhealed: Whether something changed that no event tells of, and no full pass has brought.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.given: Json | None = None
        self.unhealed = False
        self._changed_at = 0.0  # when something last changed that no event tells of
        self._left: set[tuple[str, Key]] = set()  # rows that nothing tells to be gone
        self._stale: dict[str, set[str]] = {}  # columns of each table that some run did not know of

    # Silent changes

    def note_silent_change(self) -> None:
        self.unhealed, self._changed_at = True, self._deployment.world.clock.now

    def is_healed(self, given: Json | None, selected: set[str]) -> bool:
        """Return whether a complete run has loaded all streams anew since the last silent change.

        A pass that was under way may have listed what was there before.
        """
        old = self._deployment.world.clock.now - self._changed_at > RELOAD_DAYS * DAY
        bookmarks = (given or {}).get("bookmarks") or {}
        under_way = any(is_under_way(each) for name, each in bookmarks.items() if name in selected)
        return "reload_after_days" in self._deployment.settings and old and not under_way

    # What the states know

    def known_types(self, state: Json | None) -> set[str]:
        """Return the streams of content types that a run has to load even if no list has them: its state knows them."""
        deployment = self._deployment
        settings = deployment.settings
        if deployment.catalog or settings.get("content_types") or settings.get("entry_streams") == "combined":
            return set()
        streams = {stream_name(uid) for uid in deployment.world.stack.content_types}
        known = streams & ((state or {}).get("bookmarks") or {}).keys()
        return known if not deployment.scheduler.damaged else set()

    def check_memory(self, given: Json | None, transcript: Transcript) -> None:
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
                    fail("column", f"the state of {name} forgets {sorted(forgotten)}")

    # What the tables hold

    def check_gone(self, state: Json | None) -> None:
        """See that the tables of content types that are gone are empty, as far as the state knew them."""
        deployment = self._deployment
        for name, bookmark in ((state or {}).get("bookmarks") or {}).items():
            uid = bookmark.get("content_type_uid") if isinstance(bookmark, dict) else None
            gone = isinstance(uid, str) and name == stream_name(uid) and uid not in deployment.world.stack.content_types
            if gone and (rows := deployment.target.live(name)):
                fail("gone", f"{name} still has {sorted(rows)}")

    def compare(self, streams: set[str]) -> None:
        deployment = self._deployment
        if deployment.settings.get("event_types") or self.unhealed:
            return
        left_out = {stream: self._stale.get(stream, set()) | deployment.deselected(stream) for stream in streams}
        for difference in differences(
            deployment.world,
            deployment.settings,
            deployment.target,
            streams,
            forgotten=left_out,
            is_left=self._is_left,
        ):
            fail("content", difference)

    def check_counts(self, transcript: Transcript, outcome: Outcome, *, calm: bool) -> None:
        """See that what the API counts is what the target has, and that it is told where nothing stands against it."""
        deployment = self._deployment
        setup, settings = deployment.setup, deployment.settings
        if setup["mapped"]:  # it counts what no map has filtered
            return
        rows = {
            message["record"]["stream"]: message["record"]["published"]
            for message in transcript.messages
            if message["type"] == "RECORD" and message["stream"] == LOADS
        }
        narrowed = settings.get("event_types") or settings.get("start_date")
        is_boxed = "max_run_seconds" in settings  # the time may be over once the items are read
        may_be_open = outcome.faults or narrowed or self.unhealed or is_boxed or not calm
        is_total_right = deployment.world.sandbox.behaviour.total_count == "right"
        for stream in outcome.selected - {*LISTS}:
            counted = rows.get(stream)
            if counted is None:
                # What is counted of all types together has to add up to what the feed says.
                can_be_told = is_total_right or stream != COMBINED_STREAM
                if setup["counted"] and not may_be_open and can_be_told and stream in rows:
                    fail("uncounted", f"nothing tells how many items of {stream} are published")
                continue
            found = Counter(locale for _, locale in deployment.target.live(stream))
            if not self.unhealed and found != Counter(counted):
                fail("count", f"{stream}: the API counts {counted}, and the target has {dict(found)}")

    # What may differ

    def _is_left(self, stream: str, key: Key) -> bool:
        """Return whether a row may be left over from a delete that did not tell its locale, as no state did either."""
        behaviour = self._deployment.world.sandbox.behaviour
        if behaviour.deletes == "per_locale" or behaviour.compaction == "none":
            return False
        bookmarks = ((self.given or {}).get("bookmarks") or {}).values()
        lists = [bookmark.get("locales") for bookmark in bookmarks if isinstance(bookmark, dict)]
        if key[-1] not in {locale for locales in lists if isinstance(locales, list) for locale in locales}:
            self._left.add((stream, key))
        return (stream, key) in self._left

    def note_stale(self, transcript: Transcript) -> None:
        """Note the columns of tables that a run could not know of: their field and the state are gone."""
        bookmarks = (self.given or {}).get("bookmarks") or {}
        for stream, table in self._deployment.target.tables.items():
            bookmark = bookmarks.get(stream)
            types = bookmark.get("types") if isinstance(bookmark, dict) else None
            if columns := transcript.columns(stream):
                known = columns | set(types if isinstance(types, dict) else ())
                self._stale.setdefault(stream, set()).update(table.columns.keys() - known - {"uid", *ADDED})

    def note_drop(self, stream: str) -> None:
        """Note that a table was dropped, and with it the columns that a run did not know of."""
        self._stale.pop(stream, None)
