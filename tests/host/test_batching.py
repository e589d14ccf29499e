"""Which calls leave together."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.host.batching import Line, WaitingCall
from frontdesk.host.messages import Message


class Silent:
    def send(self, messages: Sequence[Message]) -> None:
        pass


ALICE, BOB = Silent(), Silent()


def call(number: int, *, solo: bool = False, client: Silent = ALICE) -> WaitingCall:
    return WaitingCall((client, number), {}, solo)


def numbers(batch: list[WaitingCall]) -> list[int]:
    return [waiting.key[1] for waiting in batch]


def closed_line(*calls: WaitingCall) -> Line:
    line = Line()
    for waiting in calls:
        line.add(waiting)
    line.close()
    return line


def test_whatever_waits_leaves_together_up_to_the_limit() -> None:
    line = closed_line(*(call(n) for n in range(5)))
    assert [numbers(line.take(3)), numbers(line.take(3)), line.take(3)] == [[0, 1, 2], [3, 4], []]


def test_a_solo_call_shares_no_batch() -> None:
    line = closed_line(call(0), call(1, solo=True), call(2, solo=True), call(3), call(4))
    assert [numbers(line.take(9)) for _ in range(4)] == [[0], [1], [2], [3, 4]]


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 10))
def test_none_is_lost_or_doubled_and_order_is_kept(solos: list[bool], limit: int) -> None:
    line = closed_line(*(call(n, solo=solo) for n, solo in enumerate(solos)))
    taken: list[int] = []
    while batch := line.take(limit):
        assert len(batch) <= limit
        assert len(batch) == 1 or not any(waiting.solo for waiting in batch)
        taken += numbers(batch)
        line.finished(batch)
    assert taken == list(range(len(solos)))
    assert line.in_hand == 0


def test_a_withdrawn_call_is_never_taken() -> None:
    line = closed_line(call(0), call(1), call(2))
    assert line.withdraw((ALICE, 1))
    assert not line.withdraw((ALICE, 1))
    assert numbers(line.take(9)) == [0, 2]
    assert not line.withdraw((ALICE, 0))
    assert line.in_hand == 2


def test_one_client_can_leave_without_the_others() -> None:
    line = closed_line(call(0), call(0, client=BOB), call(1))
    line.withdraw_all(ALICE)
    assert line.take(9) == [call(0, client=BOB)]


def test_it_knows_how_long_a_call_has_run() -> None:
    line = closed_line(call(0), call(1))
    batch = line.take(1)
    time.sleep(0.01)
    assert (line.running_s((ALICE, 0)) or 0) >= 0.01
    assert line.running_s((ALICE, 1)) is None
    line.finished(batch)
    assert line.running_s((ALICE, 0)) is None


def test_a_taker_sleeps_until_it_is_rung() -> None:
    line, taken = Line(), []

    def take() -> None:
        while batch := line.take(4):
            taken.append(numbers(batch))

    taker = threading.Thread(target=take)
    taker.start()
    for n in range(3):
        time.sleep(0.02)
        line.add(call(n))
        line.ring()
        line.ring()
    time.sleep(0.02)
    line.close()
    taker.join(timeout=2)
    assert not taker.is_alive()
    assert taken == [[0], [1], [2]]
