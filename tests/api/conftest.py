"""Clients wait no longer between attempts than a test has patience for."""

from __future__ import annotations

import pytest

from tap_contentstack.api import retries


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.01)
