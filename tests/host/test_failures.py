"""When to try again, and when to give up."""

from __future__ import annotations

from frontdesk.host.failures import Failures


def failures() -> Failures:
    return Failures(crash_limit=5, failed_load_limit=3, first_pause_s=0.1, longest_pause_s=0.5)


def test_pauses_double_up_to_the_longest() -> None:
    seen = failures()
    pauses = []
    for _ in range(4):
        seen.crashed()
        pauses.append(seen.pause_s)
    assert pauses == [0.1, 0.2, 0.4, 0.5]


def test_five_crashes_in_a_row_are_enough() -> None:
    seen = failures()
    for _ in range(4):
        seen.crashed()
    assert not seen.verdict
    seen.crashed()
    assert seen.verdict == "It crashed 5 times in a row."


def test_an_answered_call_ends_the_row() -> None:
    seen = failures()
    for _ in range(20):
        seen.crashed()
        seen.loaded()
        seen.answered()
    assert not seen.verdict
    assert seen.pause_s == 0.1


def test_three_failed_loads_in_a_row_are_enough() -> None:
    seen = failures()
    seen.load_failed()
    seen.load_failed()
    seen.loaded()
    seen.load_failed()
    seen.load_failed()
    assert not seen.verdict
    seen.load_failed()
    assert seen.verdict == "It could not be loaded, 3 times in a row."
    seen.forget()
    assert not seen.verdict
