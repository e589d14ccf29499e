"""What Ray runs on the nodes. Ray sends these classes by name, so frontdesk must be installed there.

What they are given and what they give is bytes of our own (see `messages`); errors are told, not raised, since Ray
would send an exception as a pickle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec

from frontdesk.errors import FrontdeskError
from frontdesk.host.link import HostAnswer
from frontdesk.run.asking import Asking, Portion
from frontdesk.run.cells import inputs_of
from frontdesk.run.cluster.exchange import Answerer
from frontdesk.run.cluster.messages import (
    Answered,
    Done,
    HostOrder,
    Question,
    StreamOrder,
    encode,
    refusal_of,
)
from frontdesk.run.cluster.node import NodeHosts
from frontdesk.run.cluster.pieces import PIECE, rows_in

PORTIONS = "portions"


async def told(work: Coroutine[Any, Any, bytes]) -> bytes:
    """What comes of it: a Done or a Refusal, encoded."""
    try:
        return encode(Done(0, await work))
    except FrontdeskError as error:
        return encode(refusal_of(0, error))


class HostActor:
    """A version of a model, ready to answer."""

    def __init__(self, order: bytes) -> None:
        self._hosts = NodeHosts(msgspec.msgpack.decode(order, type=HostOrder))
        self._answerer = Answerer(self._answer)

    async def there(self) -> None:
        """It has been given its place."""

    async def warm(self) -> bytes:
        """Wait until the model can answer."""
        return await asyncio.wrap_future(self._hosts.run(told(self._warm())))

    async def exchange(self, asked: bytes) -> bytes:
        """Ask the model Questions; an Answered comes of each. See `exchange`."""
        return await asyncio.wrap_future(self._hosts.run(self._answerer.exchange(asked)))

    async def _warm(self) -> bytes:
        await self._hosts.warm()
        return b""

    async def _answer(self, question: Question) -> bytes:
        answer = await self._hosts.call(question.inputs, rows=question.rows, timeout_s=question.timeout_s)
        return encode(Answered(answer.version, answer.outputs, answer.seconds))


class PieceAnswerer:
    """The same in a stream: a piece of a file goes in, and the portions of answers to it come out."""

    def __init__(self, order: bytes) -> None:
        stream = msgspec.msgpack.decode(order, type=StreamOrder)
        self._fields, self._places = stream.host.card.signature.inputs, stream.places
        self._hosts = NodeHosts(stream.host)
        self._asking = Asking(self._call, stream.host.version)

    def __call__(self, row: Mapping[str, bytes]) -> dict[str, bytes]:
        return {PORTIONS: self._hosts.run(told(self._answer(row[PIECE]))).result()}

    async def _call(self, columns: Mapping[str, list[object]], rows: int) -> HostAnswer:
        return await self._hosts.call(columns, rows=rows)

    async def _answer(self, piece: bytes) -> bytes:
        rows = rows_in(piece)
        inputs = inputs_of(self._fields, self._places, rows)
        portions: list[Portion] = [
            portion async for portion in self._asking.portions(rows.batch.num_rows, inputs)
        ]
        return msgspec.msgpack.encode(portions)
