"""A client of the sandbox, which gives up soon."""

from __future__ import annotations

import logging
import typing as t

from tap_contentstack.api.client import Client
from tap_contentstack.api.throttle import Throttle
from tests.settings import read_settings

if t.TYPE_CHECKING:
    from sandbox import Sandbox

CONTENT_TYPES = "/v3/content_types"
SYNC = "/v3/stacks/sync"


def connect(sandbox: Sandbox, throttle: Throttle | None = None, **config: object) -> Client:
    settings = read_settings({**sandbox.settings, "max_retries": 3, "request_timeout": 2, **config})
    return Client(settings, throttle or Throttle(), logging.getLogger("tap-contentstack"))
