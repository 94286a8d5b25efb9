"""What the warehouse holds, against what the API counts; for Postgres, with the settings of target-postgres."""

from __future__ import annotations

import typing as t

import psycopg
from psycopg import sql

if t.TYPE_CHECKING:
    from collections.abc import Mapping

LOADS = sql.SQL("select stream, published from {} where jsonb_typeof(published) = 'object'")
LIVE = sql.SQL(
    "select count(*) from {table} where _load_version >= (select version from {loads} where stream = {stream})"
    " and _sync_type in ('entry_published', 'asset_published')"
)


class Count(t.NamedTuple):
    """How many rows of a stream are live, and how many items the API counted as published at the end of its load."""

    stream: str
    live: int
    published: int


def counts(variables: Mapping[str, str], schema: str) -> list[Count]:
    """Return the counts of all streams that the tap has counted.

    Args:
        variables: The settings of target-postgres.
        schema: The schema of the tables.
    """
    setting = "TARGET_POSTGRES_{}".format
    loads = sql.Identifier(schema, "loads")
    with psycopg.connect(
        host=variables[setting("HOST")],
        port=variables.get(setting("PORT"), "5432"),
        user=variables[setting("USER")],
        password=variables.get(setting("PASSWORD")),
        dbname=variables[setting("DATABASE")],
    ) as connection:
        found = []
        for stream, published in connection.execute(LOADS.format(loads)).fetchall():
            query = LIVE.format(table=sql.Identifier(schema, stream), loads=loads, stream=stream)
            (live,) = connection.execute(query).fetchone() or (0,)
            found.append(Count(stream, live, sum(published.values())))
        return sorted(found)
