"""Questions to an actor, many in one call of Ray's: such a call costs both ends more than a small model's answer.

An exchange takes what was asked since the last one, and brings back what has been answered. It ends when there is an
answer, or when the next exchange comes; so one waits there for answers while another is on its way with questions, and
what is asked meanwhile goes together with the next. No timer, and a slow answer holds up no quick one.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from frontdesk.errors import FrontdeskError, HostCrashed
from frontdesk.run.cluster.messages import Done, Question, Refusal, deliver, encode, refusal_of

_AT_ONCE = 2


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What an exchange takes there. `questions` are Questions, by the number that their answer shall bear."""

    questions: dict[int, bytes]
    abandoned: list[int]


class Replies(msgspec.Struct, frozen=True, array_like=True):
    """What it brings back."""

    replies: list[Done | Refusal]


_asked = msgspec.msgpack.Decoder(Asked)
_replies = msgspec.msgpack.Decoder(Replies)
_question = msgspec.msgpack.Decoder(Question)


class Asker:
    """The end that asks, for one actor."""

    def __init__(self, exchange: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._exchange = exchange
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._questions: dict[int, bytes] = {}
        self._abandoned: list[int] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._last = 0

    async def ask(self, question: bytes) -> bytes:
        """Ask, and wait for the answer; cancelled, the work on it is ended too. Raises what the exchange raises."""
        self._last += 1
        number = self._last
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._questions[number] = question
        self._go()
        try:
            return await waiting
        except asyncio.CancelledError:
            self._abandon(number)
            raise
        finally:
            self._waiting.pop(number, None)

    def _abandon(self, number: int) -> None:
        if self._questions.pop(number, None) is None:
            self._abandoned.append(number)
            self._go()

    def _go(self) -> None:
        if len(self._under_way) < _AT_ONCE:
            going = asyncio.create_task(self._meet())
            self._under_way.add(going)
            going.add_done_callback(self._met)

    async def _meet(self) -> None:
        asked = Asked(self._questions, self._abandoned)
        self._questions, self._abandoned = {}, []
        try:
            brought = _replies.decode(await self._exchange(encode(asked)))
        except Exception as error:  # noqa: BLE001  whoever waits for an answer must hear of it
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for reply in brought.replies:
            deliver(reply, self._waiting.get(reply.id))

    def _met(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        is_expecting = any(not waiting.done() for waiting in self._waiting.values())
        if self._questions or self._abandoned or (is_expecting and not self._under_way):
            self._go()


class Answerer:
    """The end that answers, in the actor."""

    def __init__(self, answer: Callable[[Question], Coroutine[Any, Any, bytes]]) -> None:
        self._answer = answer
        self._under_way: dict[int, asyncio.Task[Done | Refusal]] = {}
        self._replies: list[Done | Refusal] = []
        self._news = asyncio.Event()

    async def exchange(self, asked: bytes) -> bytes:
        """Take an Asked; give Replies, once there are any or somebody else waits for them."""
        message = _asked.decode(asked)
        for number, question in message.questions.items():
            task = self._under_way[number] = asyncio.create_task(self._work(number, question))
            task.add_done_callback(functools.partial(self._worked, number))
        for number in message.abandoned:
            if number in self._under_way:
                self._under_way[number].cancel()
        self._news.set()  # whoever waited until now is relieved
        self._news = news = asyncio.Event()
        if self._under_way and not self._replies:
            await news.wait()
        replies, self._replies = self._replies, []
        return encode(Replies(replies))

    async def _work(self, number: int, question: bytes) -> Done | Refusal:
        try:
            return Done(number, await self._answer(_question.decode(question)))
        except FrontdeskError as error:
            return refusal_of(number, error)
        except Exception as error:  # noqa: BLE001  whoever waits for this must hear of it
            return refusal_of(number, HostCrashed(f"{type(error).__name__}: {error}"))

    def _worked(self, number: int, task: asyncio.Task[Done | Refusal]) -> None:
        del self._under_way[number]
        if not task.cancelled():
            self._replies.append(task.result())
        self._news.set()
