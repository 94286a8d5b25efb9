"""How a run ends: its exit code and its last line."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

from tap_contentstack.singer.report import ending_of


def a_stream(name: str, *, unfinished: bool = False, postponed: bool = False) -> t.Any:
    return SimpleNamespace(name=name, unfinished=unfinished, postponed=postponed)


def test_a_stream_that_failed_because_it_waited_in_vain_is_counted_once():
    streams = [a_stream("a"), a_stream("b", unfinished=True), a_stream("c", postponed=True)]
    ending = ending_of(streams, {"a": "it broke", "c": "it waited"}, moved=True)
    assert (ending.outcome, ending.exit_code) == ("failed", 1)
    assert (
        ending.reason
        == "2 of 3 streams failed (a): it broke; (c): it waited; 1 is unfinished, as max_run_seconds has elapsed"
    )


def test_the_rest_of_a_failed_run_is_complete():
    streams = [a_stream("a"), a_stream("b"), a_stream("c")]
    assert str(ending_of(streams, {"a": "it broke"}, moved=True).reason).endswith("; the other 2 are complete")


def test_what_waits_for_an_unfinished_stream_is_unfinished_too():
    streams = [a_stream("a"), a_stream("b", unfinished=True), a_stream("c", postponed=True)]
    ending = ending_of(streams, {}, moved=True)
    assert (ending.outcome, ending.exit_code) == ("unfinished", 75)
    assert "2 of 3 streams are unfinished (b, c)" in str(ending.reason)
