"""Batch files of another size than the feed's pages."""

from __future__ import annotations

import pytest

from sandbox import Sandbox, seeded_stack
from tests.tap_process import LISTS, load


@pytest.fixture
def sandbox():
    with Sandbox(seeded_stack(seed=23, entries=60), page_size=5) as sandbox:
        yield sandbox


def test_records_that_are_held_back_count_as_seen(sandbox, tmp_path):
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 7,
    }
    output = load(sandbox, batch_config=config)
    assert "restarts" not in output.err
    assert sum("init" in request.params for request in sandbox.requests) == len(output.schemas) - len(LISTS)
    assert len(list(tmp_path.glob("*.json.gz"))) > len(output.schemas)
