"""Questions to an actor by the handful: both ends, joined by nothing but a function."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from frontdesk.errors import HostCrashed, Overloaded
from frontdesk.run.cluster.exchange import Answerer, Asker
from frontdesk.run.cluster.messages import Question, encode

pytestmark = pytest.mark.anyio


class Line:
    """The two ends, a count of what went between them, and answers that come when the test says so."""

    def __init__(self) -> None:
        self.exchanges = 0
        self.cancelled: list[int] = []
        self.may_answer: dict[int, asyncio.Event] = {}
        self._answerer = Answerer(self._answer)
        self.asker = Asker(self._carry)

    def ask(self, x: int) -> Coroutine[Any, Any, bytes]:
        return self.asker.ask(encode(Question({"x": x})))

    def hold(self, *xs: int) -> None:
        self.may_answer |= {x: asyncio.Event() for x in xs}

    async def _carry(self, asked: bytes) -> bytes:
        self.exchanges += 1
        return await self._answerer.exchange(asked)

    async def _answer(self, question: Question) -> bytes:
        x = question.inputs["x"]
        if x < 0:
            raise Overloaded("Too many.", 2.5)
        if x == 0:
            raise ZeroDivisionError("by nothing")
        try:
            if x in self.may_answer:
                await self.may_answer[x].wait()
        except asyncio.CancelledError:
            self.cancelled.append(x)
            raise
        return str(x).encode()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_many_questions_travel_together_and_each_gets_its_own_answer() -> None:
    line = Line()
    answers = await asyncio.gather(*(line.ask(x) for x in range(1, 501)))
    assert answers == [str(x).encode() for x in range(1, 501)]
    assert line.exchanges < 10


async def test_a_slow_answer_holds_up_no_quick_one() -> None:
    line = Line()
    line.hold(7)
    slow = asyncio.create_task(line.ask(7))
    await settle()
    assert [await line.ask(x) for x in (1, 2, 3)] == [b"1", b"2", b"3"]
    assert not slow.done()
    line.may_answer[7].set()
    assert await slow == b"7"


async def test_who_does_not_wait_any_more_has_the_work_ended_and_the_others_go_on() -> None:
    line = Line()
    line.hold(7, 8)
    leaving, staying = asyncio.create_task(line.ask(7)), asyncio.create_task(line.ask(8))
    await settle()
    leaving.cancel()
    await settle()
    assert line.cancelled == [7]
    line.may_answer[8].set()
    assert await staying == b"8"


async def test_what_was_not_sent_yet_is_never_asked() -> None:
    line = Line()
    leaving = asyncio.create_task(line.ask(7))
    await asyncio.sleep(0)  # it has asked, and nothing has gone out
    leaving.cancel()
    await settle()
    assert line.cancelled == []
    assert await line.ask(1) == b"1"


async def test_errors_arrive_where_they_belong() -> None:
    line = Line()
    refused, broken, well = await asyncio.gather(
        line.ask(-1), line.ask(0), line.ask(1), return_exceptions=True
    )
    assert isinstance(refused, Overloaded)
    assert refused.retry_after_s == 2.5
    assert isinstance(broken, HostCrashed)
    assert well == b"1"


async def test_all_who_wait_hear_that_the_actor_is_lost() -> None:
    async def lost(asked: bytes) -> bytes:
        await asyncio.sleep(0)
        raise ConnectionError("the node is gone")

    asker = Asker(lost)
    found = await asyncio.gather(*(asker.ask(b"") for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [ConnectionError] * 3
    with pytest.raises(ConnectionError):
        await asker.ask(b"")
