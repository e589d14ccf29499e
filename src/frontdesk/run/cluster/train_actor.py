"""What Ray runs on a node for a training; see `actors` for how it is sent there and what it tells."""

from __future__ import annotations

import asyncio
import functools
import socket
import time

import msgspec

from frontdesk.catalog.version import Placed
from frontdesk.errors import ModelBroken
from frontdesk.run.cluster.actors import told
from frontdesk.run.cluster.bench import NodeBench
from frontdesk.run.cluster.messages import TrainNews, TrainOrder, encode
from frontdesk.run.cluster.node import Aside, own_folder
from frontdesk.run.spool import SpoolReader
from frontdesk.run.train_child import TrainChild
from frontdesk.run.train_keeping import once_it_can_be_kept
from frontdesk.run.train_messages import Stumbled, Trained

_POLL_S = 0.2
_LOOK_EVERY_S = 1.0
_SEGMENTS_AT_ONCE = 4


class TrainActor:
    """One training, in a process of its own beside this one."""

    def __init__(self, order: bytes) -> None:
        self._aside = Aside()
        self._order = msgspec.msgpack.decode(order, type=TrainOrder)
        self._bench: NodeBench | None = None
        self._placed: Placed | None = None
        self._unkept: Stumbled | None = None
        self._wrote_mb, self._looked_at = 0, 0.0

    async def there(self) -> None:
        """It has been given its place."""

    async def begin(self) -> bytes:
        """Start it. Tells why that cannot be: its data is gone, say."""
        return await asyncio.wrap_future(self._aside.run(told(self._begin())))

    async def poll(self, memory_limit: int) -> bytes:
        """What there is to tell since the last time: TrainNews."""
        return await asyncio.wrap_future(self._aside.run(self._poll(memory_limit)))

    async def cancel(self) -> None:
        """Say that nobody wants the result any more."""
        self._aside.call(self._child.cancel)

    async def kill(self, cause: str) -> None:
        """End it for a reason."""
        self._aside.call(functools.partial(self._child.kill, cause))

    async def _begin(self) -> bytes:
        spec, shared = self._order.spec, self._order.shared
        try:
            if shared is not None:
                self._bench = await asyncio.to_thread(NodeBench, spec, shared)
                spec = self._bench.spec
            # Files that are mapped into memory are for one machine: what is reported here travels with the news.
            folder = own_folder()
        except OSError as error:
            raise ModelBroken(
                f"There was no room to train on {socket.gethostname()}: {error.strerror}."
            ) from None
        self._spool = SpoolReader(folder)
        self._child = await TrainChild.start(msgspec.structs.replace(spec, spool=str(folder)))
        self._ending = asyncio.create_task(self._end())
        return b""

    async def _end(self) -> int:
        """Wait for its end, and put what it learned where it is to be; give its exit code."""
        if self._bench is None:
            return await self._child.ended()
        saving = asyncio.create_task(self._bench.going_on())
        code = await self._child.ended()
        saving.cancel()
        await asyncio.wait([saving])
        if isinstance(self._child.verdict, Trained):
            try:
                self._placed = await once_it_can_be_kept(self._bench.place)
            except OSError as error:
                self._unkept = Stumbled(f"What it learned could not be kept: {error.strerror}.")
        await asyncio.to_thread(self._bench.put_away)
        return code

    async def _poll(self, memory_limit: int) -> bytes:
        if not self._ending.done():
            await asyncio.sleep(_POLL_S)
        code = self._ending.result() if self._ending.done() else None
        child, points = self._child, await asyncio.to_thread(self._spool.read, _SEGMENTS_AT_ONCE)
        self._spool.forget(self._spool.position)
        if (now := time.monotonic()) - self._looked_at > _LOOK_EVERY_S and code is None:
            self._wrote_mb, self._looked_at = await asyncio.to_thread(child.wrote_mb), now
        return encode(
            TrainNews(
                told=msgspec.structs.replace(child.take(), points=points),
                memory_bytes=await asyncio.to_thread(child.memory_bytes, memory_limit),
                machine_bytes=child.machine_bytes,
                wrote_mb=self._wrote_mb,
                placed=self._placed,
                verdict=self._unkept or child.verdict,
                code=code if not points else None,  # there may be more
                last_lines=child.last_lines() if code is not None else "",
            )
        )
