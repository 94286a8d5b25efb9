"""Whatever happens, Postgres ends up holding what is published: real processes, real signals, the real target."""

from __future__ import annotations

import os

import pytest

from tests.model.programs import Programs
from tests.model.warehouse import WarehouseHistory

HISTORIES = int(os.environ.get("WAREHOUSE_HISTORIES", "10"))
FIRST = int(os.environ.get("WAREHOUSE_SEED", "0"))


@pytest.fixture(scope="module")
def programs():
    with Programs() as programs:
        yield programs


@pytest.mark.parametrize("seed", range(FIRST, FIRST + HISTORIES))
def test_postgres_ends_up_holding_what_is_published(seed, server, programs, tmp_path):
    WarehouseHistory(seed, server, programs, tmp_path, hard_delete=seed % 2 == 1).play()
