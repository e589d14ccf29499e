"""`python -m frontdesk.run.cluster.carrier FD`: the process that speaks Ray for one worker.

It waits for the cluster, does what the worker orders, and ends when its node or the cluster is lost: what it had there
cannot be trusted any more, and the next carrier begins with a clean sheet. Whatever it has on the cluster ends with it.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import msgspec
import ray

from frontdesk.errors import FrontdeskError, HostCrashed, HostUnreachable, PredictFailed
from frontdesk.host.framing import FrameReader, FrameTooLarge, append_frame
from frontdesk.host.messages import Message
from frontdesk.host.parent import end_with_parent, first_line, own_descriptors
from frontdesk.run.cluster.connection import connect, first_line_of, loss, raylet_of_this_node
from frontdesk.run.cluster.messages import (
    END,
    Abandon,
    CarrierSpec,
    CarrierState,
    Done,
    Order,
    refusal_of,
)
from frontdesk.run.cluster.streams import prepare
from frontdesk.run.cluster.work import Work

_PAUSE_S = 1.0
_DISCONNECT_S = 3.0

_decoder: msgspec.msgpack.Decoder[Order | Abandon] = msgspec.msgpack.Decoder(Order | Abandon)


def main() -> None:
    """Carry, until told to end."""
    control_fd, report_fd = own_descriptors(int(sys.argv[1]))
    end_with_parent()
    spec = msgspec.json.decode(first_line(control_fd), type=CarrierSpec)
    threading.Thread(target=_heed, args=(control_fd, spec.silence_s), name="orders", daemon=True).start()

    def report(state: CarrierState) -> None:
        os.write(report_fd, msgspec.json.encode(state) + b"\n")

    _wait_for(spec.address, report)
    raylet = raylet_of_this_node()

    def watch() -> None:
        reason = loss(spec.address, raylet)
        report(CarrierState(is_up=False, reason=reason))
        os._exit(1)

    threading.Thread(target=watch, name="watch", daemon=True).start()
    prepare()
    asyncio.run(_serve(spec, lambda: report(CarrierState(is_up=True))))


def _heed(control_fd: int, silence_s: float) -> None:
    """End with the worker: when it says so, when it is gone, and when it sleeps for so long that another may have
    its jobs. What Ray was told to do ends with us."""
    while select.select([control_fd], [], [], silence_s)[0]:
        said = os.read(control_fd, 4096)
        if not said or END in said:
            break
    leaving = threading.Thread(target=ray.shutdown, daemon=True)
    leaving.start()
    leaving.join(_DISCONNECT_S)
    os._exit(0)


def _wait_for(address: str, report: Callable[[CarrierState], None]) -> None:
    """Wait for the cluster, as long as it takes."""
    told = ""
    while reason := connect(address):
        if reason != told:
            report(CarrierState(is_up=False, reason=reason))
            told = reason
        time.sleep(_PAUSE_S)


# ------------------------------------------------------------------------- the worker


async def _serve(spec: CarrierSpec, ready: Callable[[], None]) -> None:
    work = Work(spec)
    path = Path(spec.socket)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Orders(work.do), str(draft))
    draft.rename(path)  # so that whoever finds it can connect
    ready()
    await asyncio.gather(server.serve_forever(), work.look_after())


class _Orders(asyncio.Protocol):
    """The carrier's end of the socket."""

    def __init__(self, do: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        self._do = do
        self._frames = FrameReader()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            message = _decoder.decode(frame)
            if isinstance(message, Order):
                self._under_way[message.id] = asyncio.create_task(self._carry_out(message))
            elif (task := self._under_way.get(message.id)) is not None:
                task.cancel()

    def connection_lost(self, error: Exception | None) -> None:
        for task in self._under_way.values():
            task.cancel()

    async def _carry_out(self, order: Order) -> None:
        reply: Message
        try:
            reply = Done(order.id, await self._do(order.verb, order.body))
        except FrontdeskError as error:
            reply = refusal_of(order.id, error)
        except ray.exceptions.RayActorError:
            reply = refusal_of(order.id, HostCrashed("The cluster lost what worked on this."))
        except ray.exceptions.RayError as error:
            reply = refusal_of(order.id, HostUnreachable(first_line_of(error)))
        except Exception as error:  # noqa: BLE001  whoever waits for this must hear of it
            traceback.print_exc()
            reply = refusal_of(order.id, HostCrashed(first_line_of(error)))
        finally:
            self._under_way.pop(order.id, None)
        frame = bytearray()
        try:
            append_frame(frame, reply)
        except FrameTooLarge:  # of many rows together, say; unanswered, it would be waited for without end
            append_frame(frame, refusal_of(order.id, PredictFailed("The answers are too large to send.")))
        self._transport.write(frame)


if __name__ == "__main__":
    main()
