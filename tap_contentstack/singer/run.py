"""One run from the command line: all selected streams in parallel, of which one may fail, and a final STATE."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import os
import queue
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from singer_sdk.exceptions import SingerSDKError

from tap_contentstack.errors import AccessError, TapError, TimeIsUpError
from tap_contentstack.singer.preflight import check_before_run
from tap_contentstack.singer.report import ending_of, stream_endings, unfinished
from tap_contentstack.singer.streams import FeedStream
from tap_contentstack.singer.writer import TargetGoneError, WriterClosedError
from tap_contentstack.sync.summary import Ending
from tap_contentstack.values.texts import one_line, shown

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_contentstack.singer.parts import RunParts
    from tap_contentstack.singer.versioned import VersionedStream
    from tap_contentstack.singer.writer import Writer
    from tap_contentstack.sync.bookmarks import Bookmark
    from tap_contentstack.sync.summary import Summary

TICK = 0.5
"""Seconds between two checks whether a progress line is due."""
STOPPED = 128
"""Exit codes above this name the signal that stopped the run."""
LAST_WORDS = 1.5
"""Seconds that a stopped run takes at most to write its last STATE: schedulers kill processes that linger."""
NOTHING_PUBLISHED = (
    "nothing is published in scope any more, although earlier runs loaded rows: check environment, branch, locales "
    "and start_date"
)
WAITING = "it lists nothing, and no other stream could show that anything is published, so its rows are kept"


class Run:
    """Syncs streams in threads.

    Each stream's own `sync` runs in one of `max_concurrency` threads; the writer keeps their messages whole and in
    order. A stream that fails does not stop the others.
    """

    def __init__(
        self,
        streams: Sequence[VersionedStream],
        parts: RunParts,
        writer: Writer,
        logger: logging.Logger,
        summary: Summary,
    ) -> None:
        """Prepare the run.

        Args:
            streams: The selected streams, their state loaded.
            parts: What they share.
            writer: Writes all messages.
            logger: For what concerns the whole run.
            summary: Where it is written how the run ended.
        """
        self._streams = streams
        self._parts = parts
        self._writer = writer
        self._logger = logger
        self._summary = summary
        self._at_start: dict[str, Bookmark] = {}
        self._waiting: queue.SimpleQueue[VersionedStream] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[VersionedStream | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[object] = queue.SimpleQueue()  # wakes the main thread
        self._numbers = itertools.count()
        self._failures: dict[str, str] = {}
        self._exit_code = 0
        self._reason: str | None = None
        self._refusal: str | None = None

    def stop(self, exit_code: int, reason: str | None = None) -> None:
        """Make the run end now; may be called from a signal handler. The first reason to end counts."""
        if not self._exit_code:
            self._exit_code, self._reason = exit_code, reason
        self._news.put(None)
        self._ended.put(None)

    def execute(self) -> int:
        """Run all selected streams and return the exit code.

        Raises:
            TapError: The run cannot begin.
        """
        ending = Ending("failed", 1)
        try:
            ending = self._watched()
        except TargetGoneError as error:
            ending = Ending("failed", 1, str(error))
        except Exception as error:
            ending = Ending("failed", 1, one_line(error))
            raise
        finally:
            self._write_summary(ending)
        if ending.reason:
            self._logger.error(ending.reason)
        return ending.exit_code

    def _watched(self) -> Ending:
        """Load in a thread of its own: so a signal ends the run at once, whatever request or wait it is in."""
        with ThreadPoolExecutor(1, "run") as thread:
            ending = thread.submit(self._load)
            ending.add_done_callback(self._news.put)
            while True:
                with contextlib.suppress(queue.Empty):
                    self._news.get(timeout=TICK)
                if ending.done() and not isinstance(ending.exception(), WriterClosedError):
                    return ending.result()
                if self._exit_code:
                    self._break_off()
                self._parts.progress.tick()

    def _load(self) -> Ending:
        """Check and announce, sync all streams, sync those again that waited for the brake, write the last STATE."""
        self._writer.prepare_pipe()
        self._begin()
        postponed = self._sync_all(self._streams)
        if postponed and self._confirms(postponed):
            self._sync_all(postponed)
        self._write_state()
        self._parts.progress.summarize(self._parts.stack.client.counts)
        self._note_empty_locales()
        return self._ending()

    def _begin(self) -> None:
        """Check what concerns all streams, and announce them in the state."""
        check_before_run(self._streams, self._parts, self._logger)
        with self._writer:
            for stream in self._streams:
                stream.plan()
            self._parts.state.write()
        self._streams = sorted(self._streams, key=lambda stream: stream.start_order)
        feeds = [stream for stream in self._streams if isinstance(stream, FeedStream)]
        for stream in feeds[: self._parts.settings.max_concurrency]:
            stream.has_all_time = True
        self._at_start = {stream.name: dataclasses.replace(stream.bookmark) for stream in feeds}

    def _sync_all(self, streams: Sequence[VersionedStream]) -> list[VersionedStream]:
        """Sync streams at once, and return those that wait for another one to show that something is published."""
        for each in streams:
            self._waiting.put(each)
        self._start_threads(min(self._parts.settings.max_concurrency, len(streams)))
        open_streams, postponed = len(streams), []
        while open_streams and not self._exit_code:
            if stream := self._ended.get():
                open_streams -= 1
                postponed += [stream] if stream.postponed else []
        if self._exit_code:
            raise WriterClosedError
        return postponed

    def _start_threads(self, count: int) -> None:
        for _ in range(count):
            threading.Thread(target=self._work, name=f"stream-{next(self._numbers)}", daemon=True).start()

    def _confirms(self, postponed: Sequence[VersionedStream]) -> bool:
        """Return whether the postponed streams may sweep all of their rows."""
        if not self._parts.brake.holds:
            return True
        if self._failures:
            self._failures |= {stream.name: WAITING for stream in postponed}
            return False
        if unfinished(self._streams):  # one of these may list something
            return False
        try:
            if not any(self._lists_something_by_now(stream) for stream in postponed):
                self._parts.stack.require_allow_empty(NOTHING_PUBLISHED)
        except TimeIsUpError:
            for stream in postponed:
                stream.unfinished = True
            return False
        except TapError as error:
            self._failures |= {stream.name: str(error) for stream in postponed}
            return False
        self._parts.brake.release()
        return True

    def _lists_something_by_now(self, stream: VersionedStream) -> bool:
        """Ask again where the pass was begun by an earlier run: what it lists is what was published then."""
        before = self._at_start.get(stream.name)
        return bool(before and before.pagination_token) and any(True for _ in stream.rows())

    def _work(self) -> None:
        while not self._exit_code:
            try:
                stream = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._sync(stream)
            except WriterClosedError:
                return
            except TargetGoneError as error:
                self.stop(1, str(error))
                return
            except AccessError as error:
                self._refusal = self._failures[stream.name] = str(error)
            except SingerSDKError as error:
                self._failures[stream.name] = str(error)
            except Exception as error:  # any other failure of one stream must not stop the others
                self._logger.exception("Stream %s failed unexpectedly", stream.name)
                self._failures[stream.name] = one_line(f"{type(error).__name__}: {error}")
            self._ended.put(stream)

    def _sync(self, stream: VersionedStream) -> None:
        if self._refusal is not None:  # with these settings every stream would fail
            self._failures[stream.name] = self._refusal
            return
        stream.sync()
        if stream.postponed:
            return
        with self._writer:
            self._parts.state.write_if_due()

    def _write_state(self) -> None:
        with self._writer:
            self._parts.state.write()

    def _break_off(self) -> t.NoReturn:
        """Write a last STATE if the writer's lock is free in time, and the summary; exit without waiting for streams.

        Neither waits for the other: the lock may never be free, and the summary's disk may hang.
        """
        watchdog = threading.Timer(LAST_WORDS, os._exit, (self._exit_code,))
        watchdog.daemon = True
        watchdog.start()
        stopped = self._exit_code > STOPPED
        reason = f"stopped by signal {self._exit_code - STOPPED}" if stopped else self._reason
        ending = Ending("stopped" if stopped else "failed", self._exit_code, reason)
        summary = threading.Thread(target=self._write_summary, args=(ending,), daemon=True)
        summary.start()
        with contextlib.suppress(TargetGoneError, WriterClosedError), self._writer:  # nobody may be there to read it
            self._parts.state.write()
            self._writer.flush()
            for stream in self._streams:  # batch files that are not full yet, if there is time
                with contextlib.suppress(TapError):  # they may not be writable
                    stream.leave()
            self._parts.state.write()
            self._writer.close()  # nothing comes after the last STATE
        summary.join()
        if self._reason:
            self._logger.error(self._reason)
        logging.shutdown()
        os._exit(self._exit_code)

    def _note_empty_locales(self) -> None:
        feeds = [stream for stream in self._streams if isinstance(stream, FeedStream)]
        if not feeds or not all(stream.progress.complete for stream in feeds):
            return
        found = self._parts.state.locales()
        for locale in self._parts.settings.locales:
            if locale not in found:
                self._logger.warning("Nothing is published to locale '%s': check locales", shown(locale))

    def _ending(self) -> Ending:
        moved = any(stream.bookmark != self._at_start.get(stream.name, stream.bookmark) for stream in self._streams)
        return ending_of(self._streams, self._failures, moved=moved)

    def _write_summary(self, ending: Ending) -> None:
        client = self._parts.stack.client
        endings = stream_endings(self._streams, self._failures, ending.reason)
        self._summary.write(ending, self._parts.progress, endings, client.counts, client.throttle.waited)
