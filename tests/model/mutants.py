"""Deliberate breakages of the tap, and in how many histories each is noticed: `python -m tests.model.mutants`.

Each is a change of its source in a temporary copy. One that no history notices says that the histories are too tame.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.model.history import make_history
from tests.model.shrink import failure_of

ROOT = Path(__file__).parents[2]
PACKAGE = "tap_contentstack"
PER_HISTORY = 30
"""Seconds that a history may take at most."""


@dataclass(frozen=True)
class Mutant:
    """A breakage: in a module, a text that becomes another, and perhaps more of them.

    One that matters only where something rare happens names the episode that all of its histories have.
    """

    name: str
    module: str
    old: str
    new: str
    more: tuple[tuple[str, str], ...] = ()
    episode: str = ""


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "count what the list knows",
        "sync/counts",
        "        if total != listed:\n",
        "        if False:\n",
        episode="an_incomplete_list_to_count_by",
    ),
    Mutant("drop the sweep", "sync/initial_pass", "                    load.table.sweep()\n", ""),
    Mutant(
        "sweep after the bookmark",
        "sync/initial_pass",
        "                    load.table.sweep()\n",
        "",
        more=(
            (
                "                    load.advance(page.pagination_token, page.sync_token, seen)\n",
                """                    load.advance(page.pagination_token, page.sync_token, seen)
                if page.sync_token is not None:
                    load.table.sweep()
""",
            ),
        ),
        episode="a_swept_table",
    ),
    Mutant(
        "checkpoint before the records",
        "sync/initial_pass",
        """                load.table.write(messages)
                bookmark.add_locales({row.locale for row in rows if row.locale})
""",
        """                bookmark.add_locales({row.locale for row in rows if row.locale})
                if page.sync_token is None:
                    bookmark.advance(page.pagination_token, None, seen)
                    load.table.save()
                load.table.write(messages)
""",
    ),
    Mutant(
        "a delta's token before its records",
        "sync/delta_pass",
        "            messages = [change.message for change in changes]\n",
        """            messages = [change.message for change in changes]
            if page.sync_token:
                with load.lock:
                    load.bookmark.advance(None, page.sync_token, 0)
                    load.table.save()
""",
    ),
    Mutant("ignore the order", "sync/delta", "        if _is_newer(newest, rank):\n", "        if False:\n"),
    Mutant(
        "the oldest event wins",
        "sync/delta",
        "        if _is_newer(newest, rank):\n",
        "        if not _is_newer(newest, rank):\n",
    ),
    Mutant(
        "take the entry's locale for the published one",
        "records/items",
        "exact.publish_locale or self.feed_locale or exact.locale",
        "exact.locale or exact.publish_locale or self.feed_locale",
        more=(
            (
                "fit.publish_locale or feed_locale or fit.locale",
                "fit.locale or fit.publish_locale or feed_locale",
            ),
        ),
    ),
    Mutant(
        "skip the check of deletes",
        "sync/delta_pass",
        "self.removals.tombstones(delta, bookmark.locales, self.known_locales(), load.has_restarted)",
        "[]",
    ),
    Mutant(
        "settle no ties",
        "sync/delta",
        "            self._doubt(change, change.locale)\n",
        "            pass\n",
        episode="a_tie",
    ),
    Mutant(
        "take an event without a time for the oldest",
        "sync/delta",
        "    return moment == other_moment or not (moment and other_moment)\n",
        "    return moment == other_moment\n",
        episode="an_event_without_a_time",
    ),
    Mutant(
        "reuse the version",
        "sync/state",
        "        return max(int(self._started) + 1, (before or 0) + 1)\n",
        "        return before or int(self._started) + 1\n",
    ),
    Mutant(
        "leave unset keys out of the state",
        "sync/bookmarks",
        '        del state["sync_token"]\n        return state\n',
        '        del state["sync_token"]\n        return {k: v for k, v in state.items() if v is not None}\n',
    ),
    Mutant(
        "a second SCHEMA on a start-over",
        "singer/streams",
        "            self._out.begin(self.bookmark.version)\n            self.write_state()\n",
        """            self._out.begin(self.bookmark.version)
            self._announced = False
            self._write_schema_message()
            self.write_state()
""",
    ),
    Mutant(
        "take a refused page for the end of a delta",
        "sync/delta_pass",
        "                if refused or not delta.pages:\n",
        """                if delta.pages:
                    delta.sync_token = self.load.bookmark.sync_token
                    return delta
                if refused or not delta.pages:
""",
        episode="a_refused_page",
    ),
    Mutant(
        "never start over for a refused token",
        "sync/initial_pass",
        "            raise StartOver(Reason.TOKEN, str(error)) from None\n\n",
        "            raise\n\n",
        episode="a_lost_checkpoint",
    ),
    Mutant(
        "forget the count across a resume",
        "sync/initial_pass",
        "load.advance(page.pagination_token, page.sync_token, seen)",
        "load.advance(page.pagination_token, page.sync_token, 0)",
        episode="a_resumed_load",
    ),
    Mutant(
        "do not count an initial pass",
        "sync/initial_pass",
        "        if total is None or seen == total:\n",
        "        if total is None or seen != -1:\n",
        episode="a_short_load",
    ),
    Mutant(
        "do not count a delta",
        "sync/delta_pass",
        "            if delta.is_whole or self.load.record_limit is not None:\n",
        "            if True:\n",
        episode="a_short_delta",
    ),
    Mutant(
        "do not announce",
        "singer/run",
        "                stream.plan()\n            self._parts.state.write()\n",
        "                stream.plan()\n",
    ),
    Mutant(
        "do not announce a start-over",
        "singer/streams",
        "            self._out.begin(self.bookmark.version)\n            self.write_state()\n",
        "            self._out.begin(self.bookmark.version)\n",
    ),
    Mutant(
        "trust the list for types that are gone",
        "singer/discovery",
        "found = {uid: stack.find(uid) for uid in unlisted.values()}\n",
        "found = dict.fromkeys(unlisted.values())\n",
        more=(('            found |= {each["uid"]: each for each in stack.relisted(lost)}\n', "            pass\n"),),
        episode="an_incomplete_list",
    ),
    Mutant(
        "leave the table of a type that is gone",
        "singer/lists",
        "            self.write_activate_version(self.bookmark.version or 0)\n            self.bookmark.full",
        "            self.bookmark.full",
        episode="a_type_that_goes",
    ),
    Mutant(
        "let a delta that a time limit is too short for begin again",
        "sync/passes",
        "if may_be_too_long and load.progress.pages and",
        "if may_be_too_long and load.progress.pages < 0 and",
        episode="a_delta_beyond_the_time_limit",
    ),
    Mutant(
        "serve streams in the same order in each run",
        "singer/streams",
        'return 1, self.bookmark.served_at or "", 0.0',
        'return 1, "", 0.0',
        episode="time_limits",
    ),
    Mutant(
        "forget the records that are held back when the time is up",
        "sync/initial_pass",
        "            self.load.table.finish()\n            version, token",
        "            version, token",
        episode="time_limits",
    ),
    Mutant(
        "take a row that a filter drops for one that was never let through",
        "records/items",
        "if item.type in PUBLISHED], updates=True))\n",
        "if item.type in PUBLISHED]))\n",
        episode="mapped_rows",
    ),
    Mutant(
        "let a map take protected columns away",
        "singer/guarded",
        "return mapped | {column: record[column] for column in self._protected if column in record}",
        "return mapped",
        episode="mapped_rows",
    ),
    Mutant(
        "let a count stand though items were edited",
        "sync/passes",
        "if not self._delta.run():\n                    with load.lock:",
        "if self._delta.run() >= 0:\n                    with load.lock:",
        episode="counted_items",
    ),
    Mutant(
        "key by uid alone",
        "schema/stream_schemas",
        'KEY_COLUMNS = ("uid", "_publish_locale")',
        'KEY_COLUMNS = ("uid",)',
    ),
    Mutant(
        "take history in an initial pass for changes",
        "records/items",
        "        return [row for row in self._published(published) if row]\n",
        """        past = DELETED | {"entry_unpublished", "asset_unpublished"}
        removed = [self._removed(item) for item in items if item.type in past]
        return [row for row in self._published(published) + removed if row and row.locale]
""",
    ),
    Mutant(
        "take the answer to another request",
        "api/connection",
        "        if self._awaited != target or self._line is None:\n",
        "        if self._awaited is None or self._line is None:\n",
        episode="a_restart_within_a_delta",
    ),
    Mutant(
        "overlook a change of locales",
        "sync/source",
        '            "locales": settings.locales,\n',
        "",
        episode="another_scope",
    ),
    Mutant(
        "overlook a change of the start date",
        "sync/source",
        '            "start_date": settings.start_date,\n',
        "",
        episode="another_scope",
    ),
    Mutant(
        "overlook a deleted type in a delta",
        "sync/delta_pass",
        "                    self._on_type_deleted()\n",
        "                    pass\n",
        episode="a_type_that_goes",
    ),
    Mutant(
        "forget the types of columns",
        "sync/bookmarks",
        "{name: _text_or_none(kind) for name, kind in types.items()} if isinstance(types, dict) else {}",
        "{}",
    ),
    Mutant(
        "go on after the first delta page",
        "api/paginator",
        "        return response.pagination_token is not None\n",
        "        return response.pagination_token is not None and bool(response.items)\n",
    ),
    Mutant(
        "drop what does not fit",
        "records/items",
        '            "_unmapped": exact.unmapped or None,\n',
        '            "_unmapped": None,\n',
    ),
    Mutant(
        "forget the locales from before a start-over",
        "sync/state",
        "{*self._locales_before, *self.locales()}",
        "self.locales()",
        episode="a_forgotten_locale",
    ),
    Mutant(
        "go on though rows lack a column",
        "singer/versioned",
        "if self._can_resume() and (lacking",
        "if not self._can_resume() and (lacking",
        episode="a_column_selected_later",
    ),
    Mutant(
        "forget the locales of a delta",
        "sync/delta_pass",
        "            bookmark.add_locales(delta.locales)\n",
        "",
        episode="a_new_locale",
    ),
    Mutant(
        "follow pages in a circle",
        "api/paginator",
        "        if problem := self._dead_end(response, token):\n",
        "        if problem := None:\n",
        episode="a_circle",
    ),
    Mutant(
        "follow empty pages for ever",
        "api/paginator",
        "        if self._empty_pages >= EMPTY_PAGES:\n",
        "        if False:\n",
        episode="a_circle",
    ),
    Mutant(
        "overlook that pages have shifted",
        "sync/initial_pass",
        "            if not self.load.has_restarted(Reason.SHIFTED):\n",
        "            if False:\n",
        episode="shifted_pages",
    ),
    Mutant(
        "forget what a pass restarted for",
        "sync/load",
        "return reason in self.restarts or reason.name in self.bookmark.restarts",
        "return reason in self.restarts",
        episode="a_lasting_miscount",
    ),
    Mutant(
        "believe a single answer that a type is gone",
        "api/stack",
        " and not self.relisted([content_type_uid])",
        "",
        episode="a_lost_access",
    ),
    Mutant(
        "take an empty list of content types for the truth",
        "api/stack",
        "        if not self.settings.allow_empty:\n",
        "        if False:\n",
        episode="a_lost_access",
    ),
    Mutant(
        "believe a token that has lost its access that no asset is published",
        "sync/removals",
        "            self.check_access()\n",
        "            pass\n",
        episode="a_lost_access_to_assets",
    ),
    Mutant(
        "sweep though nothing is listed",
        "sync/initial_pass",
        "if load.brake.holds:",
        "if False:",
        episode="another_scope",
    ),
    Mutant(
        "never reload",
        "sync/reloads",
        "    if days is None or bookmark.sync_token is None:\n",
        "    if True:\n",
        episode="a_silent_change",
    ),
    Mutant(
        "take a page of another program for the answer that nothing is published",
        "sync/removals",
        "            return self._listed(questions, error)\n",
        "            return set()\n",
        episode="pages_of_others",
    ),
    Mutant(
        "fail for ever where a check of deletes is refused",
        "sync/removals",
        "            return self._listed(questions, error)\n",
        "            raise\n",
        episode="a_refused_language",
    ),
    Mutant(
        "count throttling as a failure of the request",
        "api/client",
        'return ThrottledError(f"{self._host} is throttling (HTTP 429)", wait)',
        'return TransientError(f"{self._host} is throttling (HTTP 429)", retry_after=wait)',
        episode="a_throttled_start",
    ),
    Mutant(
        "restart for a branch that is never told",
        "sync/scope",
        "_is_unsure(name, part) and not _is_unsure(name, was)",
        "_is_unsure(name, part)",
        episode="an_untold_branch",
    ),
)


def mutated(mutant: Mutant, text: str) -> str:
    """Return the module's text with the breakage in it.

    Raises:
        LookupError: The text to be broken is not there any more.
    """
    result = text
    for old, new in ((mutant.old, mutant.new), *mutant.more):
        if old not in result:
            msg = f"mutant '{mutant.name}' no longer applies to {mutant.module}.py"
            raise LookupError(msg)
        result = result.replace(old, new)
    return result


def try_out(mutant: Mutant, first: int, histories: int) -> Counter[str]:
    """Return in how many histories a breakage was noticed, by how."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        package = Path(folder) / PACKAGE
        shutil.copytree(ROOT / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        module = package / f"{mutant.module}.py"
        module.write_text(mutated(mutant, module.read_text()))
        others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        result = subprocess.run(
            [sys.executable, "-m", "tests.model.mutants", "--worker", str(first), str(histories), mutant.episode],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(ROOT), *others])},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PER_HISTORY * histories,
        )
    return Counter(re.findall(r"^noticed (\w+)", result.stdout, re.MULTILINE))


def work(first: int, histories: int, episode: str) -> None:
    """Play histories against the tap that is on the path, and say which ones fail."""
    for seed in range(first, first + histories):
        failure = failure_of(make_history(seed, episode=episode))
        if failure is not None:
            print(f"noticed {failure.partition(':')[0]}", flush=True)


def main() -> int:
    """Try all mutants out, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.mutants", description=__doc__)
    parser.add_argument("--histories", type=int, default=60, help="histories for each")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="part of the name")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        first, histories, episode = options.worker
        work(int(first), int(histories), episode)
        return 0
    mutants = [mutant for mutant in MUTANTS if options.only in mutant.name]
    missed = 0
    with ThreadPoolExecutor(options.processes) as pool:
        tries = [pool.submit(try_out, mutant, options.seed, options.histories) for mutant in mutants]
        for mutant, attempt in zip(mutants, tries, strict=True):
            try:
                noticed = attempt.result()
            except LookupError as error:
                print(error, flush=True)
                missed += 1
                continue
            how = ", ".join(f"{count} {kind}" for kind, count in noticed.most_common())
            print(f"{mutant.name}: {noticed.total()} of {options.histories} ({how})", flush=True)
            missed += not noticed
    print(f"{missed} not noticed")
    return missed > 0


if __name__ == "__main__":
    raise SystemExit(main())
