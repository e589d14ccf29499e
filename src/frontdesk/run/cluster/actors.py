"""What Ray runs on the nodes. Ray sends these classes by name, so frontdesk must be installed there.

What they are given and what they give is bytes of our own (see `messages`); errors are told, not raised, since Ray
would send an exception as a pickle.
"""

from __future__ import annotations

import asyncio
import functools
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
    TrainNews,
    encode,
    refusal_of,
)
from frontdesk.run.cluster.node import Aside, NodeHosts, own_folder
from frontdesk.run.cluster.pieces import PIECE, rows_in
from frontdesk.run.spool import SpoolReader
from frontdesk.run.train_child import TrainChild
from frontdesk.run.train_messages import TrainSpec

PORTIONS = "portions"
_POLL_S = 0.2
_SEGMENTS_AT_ONCE = 4


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


class TrainActor:
    """One training, in a process of its own beside this one."""

    def __init__(self, spec: bytes) -> None:
        self._aside = Aside()
        order = msgspec.json.decode(spec, type=TrainSpec)
        # Files that are mapped into memory are for one machine: what is reported here travels with the news.
        folder = own_folder()
        self._spool = SpoolReader(folder)
        order = msgspec.structs.replace(order, spool=str(folder))
        self._child = self._aside.run(TrainChild.start(order)).result()
        self._ending = self._aside.run(self._child.ended())

    async def there(self) -> None:
        """It has been given its place."""

    async def poll(self, memory_limit: int) -> bytes:
        """What there is to tell since the last time: TrainNews."""
        return await asyncio.wrap_future(self._aside.run(self._poll(memory_limit)))

    async def cancel(self) -> None:
        """Say that nobody wants the result any more."""
        self._aside.call(self._child.cancel)

    async def kill(self, cause: str) -> None:
        """End it for a reason."""
        self._aside.call(functools.partial(self._child.kill, cause))

    async def _poll(self, memory_limit: int) -> bytes:
        if not self._ending.done():
            await asyncio.sleep(_POLL_S)
        code = self._ending.result() if self._ending.done() else None
        child, points = self._child, await asyncio.to_thread(self._spool.read, _SEGMENTS_AT_ONCE)
        self._spool.forget(self._spool.position)
        return encode(
            TrainNews(
                told=msgspec.structs.replace(child.take(), points=points),
                memory_bytes=await asyncio.to_thread(child.memory_bytes, memory_limit),
                verdict=child.verdict,
                code=code if not points else None,  # there may be more
                last_lines=child.last_lines() if code is not None else "",
            )
        )
