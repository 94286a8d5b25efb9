"""The writer: whole lines, in order, from any thread, and none after it is closed."""

from __future__ import annotations

import datetime as dt
import decimal
import errno
import io
import json
import os
import threading
import time
from types import SimpleNamespace
from unittest import mock

import pytest
from singer_sdk.singerlib import ActivateVersionMessage, RecordMessage, StateMessage

from tap_contentstack.singer.writer import PIPE_SIZE, TargetGoneError, Writer, WriterClosedError


def test_nothing_is_handed_over_before_the_lock_is_released(capfdbinary):
    writer = Writer()
    with writer:
        writer.write_lines([[b"1\n"]])
        writer.write_message(StateMessage(value={}))
        assert capfdbinary.readouterr().out == b""
    assert capfdbinary.readouterr().out == b'1\n{"type":"STATE","value":{}}\n'


def test_messages_of_many_threads_stay_whole_and_each_ones_in_order(capfdbinary):
    writer = Writer()

    def write(stream: str) -> None:
        for number in range(200):
            with writer:
                writer.write_lines([[f'{{"stream":"{stream}",'.encode()]])
                writer.write_lines([[f'"number":{number}}}\n'.encode()]])

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    for name in "abcdef":
        assert [line["number"] for line in lines if line["stream"] == name] == list(range(200))


def test_a_stdout_that_takes_a_part_at_a_time_gets_all_of_it(monkeypatch):
    written = io.BytesIO()
    stdout = SimpleNamespace(write=lambda data: written.write(data[:7]), flush=lambda: None)
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=stdout))
    with (writer := Writer()):
        writer.write_lines([[b'{"type":', b'"RECORD"}\n'], [b"{}\n"]])
    assert written.getvalue() == b'{"type":"RECORD"}\n{}\n'


def test_a_pipe_that_does_not_wait_is_made_to(monkeypatch):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    taken = []

    def read() -> None:
        with os.fdopen(reading, "rb") as pipe:
            time.sleep(0.2)
            taken.append(pipe.read())

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(writing, "w") as stdout, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stdout)
        writer = Writer()
        writer.prepare_pipe()
        with writer:
            writer.write_lines([[b"x" * 4 * PIPE_SIZE]])
    reader.join()
    assert taken == [b"x" * 4 * PIPE_SIZE]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), r"cannot be written \(No space left on device\)"),
        (BrokenPipeError(), "The target stopped reading"),
    ],
)
def test_behind_lines_that_were_not_taken_nothing_is_written(monkeypatch, error, sentence):
    stdout = mock.Mock(write=mock.Mock(side_effect=[error, 3]))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=stdout))
    writer = Writer()
    with pytest.raises(TargetGoneError, match=sentence), writer:
        writer.write_lines([[b"lost"]])
    with pytest.raises(WriterClosedError):
        writer.write_message(StateMessage(value={}))
    assert stdout.write.call_count == 1


def test_a_closed_writer_writes_out_what_it_has_and_no_more(capfdbinary):
    writer = Writer()
    with writer:
        writer.write_lines([[b"last\n"]])
        writer.close()
    with pytest.raises(WriterClosedError), writer:
        writer.write_lines([[b"late\n"]])
    assert capfdbinary.readouterr().out == b"last\n"


def test_numbers_keep_their_digits_and_times_are_iso(capfdbinary):
    writer = Writer()
    moment = dt.datetime(2024, 1, 31, tzinfo=dt.UTC)
    writer.write_message(
        RecordMessage(stream="s", record={"price": decimal.Decimal("1.10")}, version=1, time_extracted=moment)
    )
    writer.write_message(ActivateVersionMessage(stream="s", version=1))
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert '"price":1.10' in lines[0]
    assert "2024-01-31T00:00:00Z" in lines[0]
    assert json.loads(lines[1]) == {"type": "ACTIVATE_VERSION", "stream": "s", "version": 1}


@pytest.mark.parametrize("error", [MemoryError(), ValueError("I/O operation on closed file")], ids=repr)
def test_after_lines_that_are_lost_nothing_is_written_any_more(monkeypatch, error):
    stdout = mock.Mock(write=mock.Mock(side_effect=error))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=stdout))
    writer = Writer()
    with pytest.raises(TargetGoneError, match=f"cannot be written .{type(error).__name__}"), writer:
        writer.write_lines([[b'{"type":"RECORD"}\n']])
    with pytest.raises(WriterClosedError):
        writer.write_message(StateMessage(value={}))
    assert stdout.write.call_count == 1
