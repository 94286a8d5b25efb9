"""The pace of a run, told by a clock that only moves when somebody sleeps."""

from __future__ import annotations

import pytest

from tap_contentstack.api.throttle import FIRST_GAP, LONGEST_GAP, Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def turns(throttle: Throttle, clock: Clock, number: int) -> list[float]:
    times = []
    for _ in range(number):
        throttle.wait_for_turn()
        times.append(round(clock.now - 100, 3))
    return times


def test_nothing_is_held_back_at_first(clock):
    assert turns(Throttle(clock=clock, sleep=clock.sleep), clock, 3) == [0, 0, 0]


def test_a_cap_spaces_requests_evenly(clock):
    assert turns(Throttle(4, clock=clock, sleep=clock.sleep), clock, 4) == [0, 0.25, 0.5, 0.75]


def test_a_turn_is_taken_at_once_or_not_at_all(clock):
    throttle = Throttle(4, clock=clock, sleep=clock.sleep)
    assert [throttle.take_turn(), throttle.take_turn()] == [True, False]
    assert turns(throttle, clock, 2) == [0.25, 0.5]
    throttle.pause(3)
    clock.sleep(1)
    assert not throttle.take_turn()
    clock.sleep(2)
    assert throttle.take_turn()
    assert clock.now == 103.5


def test_a_pause_holds_everybody_back(clock):
    throttle = Throttle(clock=clock, sleep=clock.sleep)
    throttle.pause(3)
    throttle.pause(1)
    assert turns(throttle, clock, 2) == [3, 3]


def test_a_complaint_slows_the_run_and_good_answers_bring_it_back_to_full_speed(clock):
    throttle = Throttle(clock=clock, sleep=clock.sleep)
    throttle.slow_down()
    assert turns(throttle, clock, 3) == [0, FIRST_GAP, 2 * FIRST_GAP]
    for _ in range(200):
        throttle.recover()
    turns(throttle, clock, 1)
    before = clock.now
    turns(throttle, clock, 5)
    assert clock.now == before


def test_complaints_at_the_same_time_count_once_and_never_stop_the_run(clock):
    throttle = Throttle(clock=clock, sleep=clock.sleep)
    for _ in range(8):
        throttle.slow_down()
    assert turns(throttle, clock, 2) == [0, FIRST_GAP]
    for _ in range(50):
        clock.sleep(10)
        throttle.slow_down()
    turns(throttle, clock, 1)
    before = clock.now
    turns(throttle, clock, 1)
    assert clock.now - before == pytest.approx(LONGEST_GAP)


def test_requests_that_a_pause_overtakes_keep_the_cap_after_it(clock):
    """Several threads take their turns; before the first of these comes, the API asks for a pause."""
    times: list[float] = []
    waiting = iter(["another", "another", "another", "all"])

    def sleep(seconds: float) -> None:
        match next(waiting, None):
            case "another":  # thread, whose turn comes after this one's
                throttle.wait_for_turn()
                times.append(round(clock.now - 100, 3))
            case "all":
                throttle.pause(2)
                clock.now += seconds
            case None:
                clock.now += seconds

    throttle = Throttle(10, clock=clock, sleep=sleep)
    throttle.wait_for_turn()
    throttle.wait_for_turn()
    times.append(round(clock.now - 100, 3))
    assert times == pytest.approx([2.0, 2.1, 2.2, 2.3])


def test_requests_that_wait_for_the_api_at_the_same_time_count_once(clock):
    def sleep(seconds: float) -> None:
        end = clock.now + seconds
        if seconds == 3:  # another request waits meanwhile
            throttle.wait(2)
        clock.now = max(clock.now, end)

    throttle = Throttle(4, clock=clock, sleep=sleep)
    throttle.wait(3)
    assert throttle.waited == 3
    turns(throttle, clock, 2)  # the user's own cap
    assert throttle.waited == 3
    throttle.pause(5)
    turns(throttle, clock, 1)
    assert throttle.waited == 8
