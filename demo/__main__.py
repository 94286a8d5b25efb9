"""`make demo`: loads a sandbox into a real Postgres with Meltano, edits it, loads again, and compares."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import tempfile
import threading
import typing as t
from contextlib import ExitStack, suppress
from pathlib import Path

from psycopg import sql

from demo.meltano import FOREIGN, RUN, MeltanoError, MeltanoProject
from demo.postgres import Postgres, PostgresError
from sandbox.admin import PREFIX
from sandbox.seed import seeded_stack
from sandbox.service import Sandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from sandbox.stack import Stack

SCHEMA = "contentstack"
LISTS = {"content_types", "global_fields", "taxonomies", "taxonomy_terms", "loads"}  # tables that hold no content
NUMBERS = {"API counts", "live rows", "deleted"}
COMPARISON = """
WITH load AS (
  SELECT version, CASE WHEN jsonb_typeof(published) = 'object' THEN published END AS published
  FROM contentstack.loads WHERE stream = {name}
), counted AS (
  SELECT locale, number::int FROM load, jsonb_each_text(published) AS each (locale, number)
), loaded AS (
  SELECT item._publish_locale AS locale,
    count(*) FILTER (
      WHERE item._load_version >= load.version AND item._sync_type IN ('entry_published', 'asset_published')
    ) AS live,
    count(item._sdc_deleted_at) AS deleted
  FROM {table} AS item, load GROUP BY item._publish_locale
)
SELECT {name}, locale, number, coalesce(live, 0), coalesce(deleted, 0)
FROM counted FULL JOIN loaded USING (locale) ORDER BY locale
"""
"""Live rows are those of the version in `loads`, or newer, that are published: so any target's tables are read."""


def tables(connection: psycopg.Connection) -> list[str]:
    """Return the names of the tables that were loaded."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name", [SCHEMA]
    )
    return [name for (name,) in rows]


def comparison(connection: psycopg.Connection) -> list[tuple[str, str, int | None, int, int]]:
    """Return for each table and locale what the API counts, the live rows, and the rows flagged as deleted.

    A locale is there if the API counts in it, or if the table has rows of it. What the API counts is None where that
    was left open.
    """
    query = sql.SQL(COMPARISON).format
    return [
        row
        for name in tables(connection)
        if name not in LISTS
        for row in connection.execute(query(name=name, table=sql.Identifier(SCHEMA, name)))
    ]


def written_since(connection: psycopg.Connection, moment: object) -> list[tuple[str, ...]]:
    """Return the entries and assets written since a moment: table, event, locale, title."""
    query = sql.SQL(
        "SELECT {name}, _sync_type, _publish_locale, coalesce(title, uid || ' (deleted)')"
        " FROM {table} WHERE _sdc_batched_at > {moment} ORDER BY _sync_type, uid, _publish_locale"
    ).format
    return [
        row
        for name in tables(connection)
        if name not in LISTS
        for row in connection.execute(query(name=name, table=sql.Identifier(SCHEMA, name), moment=moment))
    ]


def edit(stack: Stack) -> None:
    """Edit the stack, once in every way, and print what was done."""
    stories = sorted({uid for _, uid, locale in stack.published_entries("story") if locale == stack.locales[0]})
    authors = sorted({uid for _, uid, _ in stack.published_entries("author")})
    assets = sorted({uid for uid, _ in stack.published_assets()})
    changed, taken_back = stories[:2]
    story = next(data for (_, uid, _), data in stack.published_entries("story").items() if uid == changed)
    system = ("publish_details", "_version", "created_at", "created_by", "updated_at", "updated_by", "locale", "uid")
    fields = {name: value for name, value in story.items() if name not in system}

    stack.publish_entry("story", changed, fields | {"title": "A story with another title"})
    stack.publish_entry("topic", "blt0000000000000demo", {"title": "A new topic"}, stack.locales[:2])
    stack.unpublish_entry("story", taken_back, stack.locales[0])
    stack.delete_entry("author", authors[0])
    stack.delete_asset(assets[0])
    print(f"  published:   a story with another title; a new topic, in {' and '.join(stack.locales[:2])}")
    print(f"  unpublished: a story, from {stack.locales[0]}")
    print("  deleted:     an author and an asset, with all of their locales")


def show(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Print a table: words aligned left, numbers right."""
    rows = list(rows)
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, tuple("-" * width for width in widths), *rows]:
        cells = [
            str(value).rjust(width) if isinstance(value, int) or header[column] in NUMBERS else str(value).ljust(width)
            for column, (value, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())
    print()


def check(stack: Stack, connection: psycopg.Connection) -> None:
    """Show the tables beside what the API counts, and compare both with what is published.

    Raises:
        MeltanoError: They differ.
    """
    compared = comparison(connection)
    show(("table", "locale", "API counts", "live rows", "deleted"), compared)
    wrong = [f"{table} in {locale}" for table, locale, counted, live, _ in compared if counted != live]
    published = len(stack.published_entries()) + len(stack.published_assets())
    loaded = sum(live for *_, live, _ in compared)
    print(f"  published in the stack: {published} entries and assets; live rows in Postgres: {loaded}\n")
    if wrong or loaded != published:
        msg = f"Postgres does not hold what is published: {', '.join(wrong) or 'the sums differ'}"
        raise MeltanoError(msg)


def keep(sandbox: Sandbox, postgres: Postgres, project: MeltanoProject) -> None:
    """Say how to look around, and leave everything running until Ctrl-C."""
    settings = project.folder / "settings.sh"
    variables = {name: value for name, value in project.environment.items() if name.startswith((*FOREIGN, "PATH"))}
    settings.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
    settings.chmod(0o600)
    print("\nThe stack, Postgres and the Meltano project stay until you press Ctrl-C. In another terminal:")
    print(f"  look at the tables: {postgres.psql} {postgres.url} -c '\\dt {SCHEMA}.*'")
    print(f"  edit the stack:     curl {sandbox.url}{PREFIX} (lists how)")
    print(f"  load again:         . {settings} && cd {project.folder} && meltano {' '.join(RUN)}", flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def demo(*, kept: bool = False) -> None:
    """Load, edit, load again, and show each time what is in Postgres.

    Args:
        kept: Leave everything running afterwards.
    """
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
        sandbox = resources.enter_context(Sandbox(seeded_stack(seed=7, entries=300)))
        postgres = resources.enter_context(Postgres())
        project = MeltanoProject(folder, {**sandbox.settings, "count_published": "true"}, postgres.settings)
        command = f"meltano {' '.join(RUN)}"
        connection = resources.enter_context(postgres.connect())
        print("A sandbox and a Postgres run on this machine.\n")

        print(f"1. {command}")
        seconds = project.run(*RUN)
        print(f"  done in {seconds:.0f} s. Live rows by `loads`, and what the API counts (count_published):\n")
        check(sandbox.stack, connection)

        print("2. The stack is edited.")
        edit(sandbox.stack)

        (moment,) = connection.execute("SELECT localtimestamp").fetchone() or (None,)
        print(f"\n3. {command}")
        seconds = project.run(*RUN)
        print(f"  done in {seconds:.0f} s. SELECT … WHERE _sdc_batched_at is of this run:\n")
        show(("table", "event", "locale", "title"), written_since(connection, moment))
        print("  Live rows by `loads`, and what the API counts:\n")
        check(sandbox.stack, connection)
        if kept:
            keep(sandbox, postgres, project)
            return
    print(
        "With your own stack: `. .venv/bin/activate`, set TAP_CONTENTSTACK_API_KEY, …_ACCESS_TOKEN and …_ENVIRONMENT,"
        f" TARGET_POSTGRES_HOST, …_USER, …_PASSWORD and …_DATABASE, and run `{command}`."
        " To look around in the demo: `make demo KEEP=1`."
    )


def main() -> int:
    """Run the demo. However it ends, it leaves nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        demo(kept=arguments.keep)
    except (MeltanoError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
