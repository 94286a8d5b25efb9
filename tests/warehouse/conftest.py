"""Warehouses: a Postgres for one test, or one that the tests of a module share."""

from __future__ import annotations

import typing as t

import pytest

from demo.postgres import Postgres
from tests.warehouse.loading import Warehouse

if t.TYPE_CHECKING:
    import psycopg


@pytest.fixture
def postgres() -> t.Iterator[Postgres]:
    """A server for one test."""
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def connection(postgres: Postgres) -> t.Iterator[psycopg.Connection]:
    """A connection to the test's own server."""
    with postgres.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    """A server for all tests of a module."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def warehouse(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Warehouse]:
    """The module's server, with target-postgres to load into its schemas."""
    warehouse = Warehouse(server, tmp_path_factory.mktemp("targets"))
    with warehouse.connection:
        yield warehouse
