"""Writes all Singer messages, behind one lock: while it is held, every bookmark in the state is true."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
import threading
import typing as t
from itertools import chain

import msgspec
from singer_sdk.io_base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from tap_contentstack.records.fast import Part

if sys.platform == "linux":
    import fcntl

PIPE_SIZE = 1 << 20
"""Bytes: the largest that Linux grants to any user by default."""


class WriterClosedError(BaseException):
    """The run is ending, and the next one writes the rest. No stream has failed, so it is not an `Exception`."""


class TargetGoneError(BaseException):
    """Something that was written did not reach the target, so nothing may follow it, least of all a STATE.

    No stream can handle this, so it is not an `Exception`.
    """

    def __init__(self, reason: str) -> None:
        """Name the reason."""
        super().__init__(f"{reason}; what the target has confirmed is in its last state")


class Writer(GenericSingerWriter[bytes, Message]):
    """Writes whole lines to stdout, from any thread.

    A stream holds the lock for a page's records and the bookmark that covers them, and releases it while it waits for
    the network. Messages of several streams interleave, those of one stream keep their order, and a STATE that any of
    them writes is true for all.
    """

    def __init__(self) -> None:
        """Start with nothing written."""
        super().__init__()
        self._lock = threading.RLock()
        self._depth = 0
        self._closed = False
        self._parts: list[Part] = []

    def __enter__(self) -> t.Self:
        """Wait for the lock and take it."""
        self._lock.acquire()
        if self._closed:
            self._lock.release()
            raise WriterClosedError
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush what was written, and release the lock."""
        try:
            self._depth -= 1
            if not self._depth:
                self.flush()
        finally:
            self._lock.release()

    def write_lines(self, lines: Iterable[Iterable[Part]]) -> None:
        """Write finished lines, each as the parts of its text including the line end; only with the lock held."""
        self._parts.extend(chain.from_iterable(lines))

    @override
    def write_message(self, message: Message) -> None:
        with self:
            self._parts.append(self.format_message(message))

    @override
    def serialize_message(self, message: Message) -> bytes:
        return to_json(message.to_dict()) + b"\n"

    def flush(self) -> None:
        """Write the lines to stdout.

        Raises:
            TargetGoneError: Something was not written, and the writer is now closed.
        """
        if not self._parts:
            return
        parts, self._parts = self._parts, []
        try:
            stdout, rest = self._out, memoryview(b"".join(parts))
            while rest:  # unbuffered (PYTHONUNBUFFERED), a signal can cut a write short
                rest = rest[stdout.write(rest) :]
            stdout.flush()
        except BrokenPipeError:
            self._closed = True
            msg = "The target stopped reading"
            raise TargetGoneError(msg) from None
        except OSError as error:
            self._closed = True
            msg = f"The output cannot be written ({error.strerror})"
            raise TargetGoneError(msg) from None
        except Exception as error:  # too little memory, a closed stdout: what was taken from `_parts` is lost
            self._closed = True
            msg = f"The output cannot be written ({type(error).__name__})"
            raise TargetGoneError(msg) from error

    @property
    def _out(self) -> t.BinaryIO:
        return sys.stdout.buffer

    def prepare_pipe(self) -> None:
        """Make writes block when the pipe to the target is full, and enlarge the pipe to some pages where possible.

        Raises:
            TargetGoneError: There is no stdout.
        """
        if sys.stdout is None:
            msg = "There is nowhere to write to: stdout is closed"
            raise TargetGoneError(msg)
        with contextlib.suppress(OSError):  # not a pipe, or not allowed
            os.set_blocking(sys.stdout.fileno(), True)
            if sys.platform == "linux":
                fcntl.fcntl(sys.stdout.fileno(), fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def close(self) -> None:
        """Refuse further writes; only with the lock held."""
        self._closed = True


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)


to_json = msgspec.json.Encoder(enc_hook=_as_text, decimal_format="number").encode
