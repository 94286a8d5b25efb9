"""Decoders of structs that streams share."""

from __future__ import annotations

import subprocess
import sys

SHARED_BY_THREADS = """
import sys, threading
from tap_contentstack.records.structs import decoder_of, struct_of, type_of
from tap_contentstack.schema.shapes import Shape

sys.setswitchinterval(1e-6)  # seconds
THREADS = 4

def make(number, start):
    start.wait()
    struct = struct_of({"group": group, f"of_{number}": type_of(Shape(kind="string"))})
    decode = decoder_of(struct)
    for _ in range(20):
        decode(b'{"group":{"key_3":"2024-05-01T10:00:00.000Z","key_11":"2024-05-01T10:00:00.000Z"}}')

for attempt in range(150):
    time = type_of(Shape(kind="date-time"))
    group = struct_of({f"key_{n}": time for n in range(12)} | {f"attempt_{attempt}": time}) | None
    start = threading.Barrier(THREADS)
    threads = [threading.Thread(target=make, args=(number, start)) for number in range(THREADS)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_streams_whose_types_share_a_group_may_begin_at_the_same_moment():
    """Without the lock, each run of this ends with a segmentation fault (msgspec 0.22, Python 3.11 and 3.13)."""
    process = subprocess.run(
        [sys.executable, "-c", SHARED_BY_THREADS], check=False, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
