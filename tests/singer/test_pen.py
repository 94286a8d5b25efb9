"""The pen: whole lines, in order, from any thread, and none after it is closed."""

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

from tap_contentstack.singer.pen import PIPE_SIZE, Pen, PenClosedError, TargetGoneError


def test_nothing_is_handed_over_before_the_pen_is_let_go_of(capfdbinary):
    pen = Pen()
    with pen:
        pen.write_lines([[b"1\n"]])
        pen.write_message(StateMessage(value={}))
        assert capfdbinary.readouterr().out == b""
    assert capfdbinary.readouterr().out == b'1\n{"type":"STATE","value":{}}\n'


def test_messages_of_many_threads_stay_whole_and_each_ones_in_order(capfdbinary):
    pen = Pen()

    def write(stream: str) -> None:
        for number in range(200):
            with pen:
                pen.write_lines([[f'{{"stream":"{stream}",'.encode()]])
                pen.write_lines([[f'"number":{number}}}\n'.encode()]])

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
    with (pen := Pen()):
        pen.write_lines([[b'{"type":', b'"RECORD"}\n'], [b"{}\n"]])
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
        pen = Pen()
        pen.prepare_pipe()
        with pen:
            pen.write_lines([[b"x" * 4 * PIPE_SIZE]])
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
    pen = Pen()
    with pytest.raises(TargetGoneError, match=sentence), pen:
        pen.write_lines([[b"lost"]])
    with pytest.raises(PenClosedError):
        pen.write_message(StateMessage(value={}))
    assert stdout.write.call_count == 1


def test_a_closed_pen_writes_no_more(capfdbinary):
    pen = Pen()
    assert pen.close(timeout=1)
    with pytest.raises(PenClosedError), pen:
        pen.write_lines([[b"late\n"]])
    assert capfdbinary.readouterr().out == b""


def test_a_pen_in_use_is_not_waited_for_longer_than_asked(capfdbinary):
    pen = Pen()
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with pen:
            taken.set()
            done.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(5)
    assert not pen.close(timeout=0.05)
    done.set()
    thread.join()
    assert capfdbinary.readouterr().out == b""


def test_numbers_keep_their_digits_and_times_are_iso(capfdbinary):
    pen = Pen()
    moment = dt.datetime(2024, 1, 31, tzinfo=dt.UTC)
    pen.write_message(
        RecordMessage(stream="s", record={"price": decimal.Decimal("1.10")}, version=1, time_extracted=moment)
    )
    pen.write_message(ActivateVersionMessage(stream="s", version=1))
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert '"price":1.10' in lines[0]
    assert "2024-01-31T00:00:00Z" in lines[0]
    assert json.loads(lines[1]) == {"type": "ACTIVATE_VERSION", "stream": "s", "version": 1}
