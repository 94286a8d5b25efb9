"""A local fake of the Contentstack delivery API, for demo, tests and benchmarks.

It is used from outside, through HTTP, as the real API would be; from inside, a test edits the
stack, switches what the API leaves open, breaks responses, and knows what is published.
"""

from __future__ import annotations

from sandbox.behaviour import Behaviour
from sandbox.faults import Fault
from sandbox.recorded_request import RecordedRequest
from sandbox.seed import seeded_stack
from sandbox.service import Sandbox
from sandbox.stack import Stack

__all__ = ["Behaviour", "Fault", "RecordedRequest", "Sandbox", "Stack", "seeded_stack"]
