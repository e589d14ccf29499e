"""Batch jobs on the cluster: the rows go out as a stream over all nodes, the answers come back in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from frontdesk.declare.columns import match
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Lease
from frontdesk.errors import HostCrashed, HostUnreachable
from frontdesk.run.asking import Portion
from frontdesk.run.batch import Batcher
from frontdesk.run.batch_rows import Answers
from frontdesk.run.cluster.hosts import on_cluster
from frontdesk.run.cluster.line import ClusterLine
from frontdesk.run.cluster.messages import Step, StreamOrder
from frontdesk.run.performer import Models
from frontdesk.store.sheets.rows import Sheet

_LOSSES = 3

_portions = msgspec.msgpack.Decoder(list[Portion])
_step = msgspec.msgpack.Decoder(Step)


class ClusterBatcher(Batcher):
    """Does batch jobs on the cluster. What was answered is kept here, by the same chunks as anywhere."""

    async def _answer(
        self, lease: Lease, card: TaskCard, path: Path, sheet: Sheet, answers: Answers, hosts: Models
    ) -> int:
        models, job = on_cluster(hosts), lease.job
        host = await models.order(job.task, job.model, job.version)
        places = dict(match(card.signature.inputs, sheet.header).places)
        sheet_path = str(await asyncio.to_thread(path.absolute))
        losses = 0
        while True:
            before = answers.rows
            order = StreamOrder(
                host=host, sheet=sheet_path, answered=before, total=sheet.total or 0, places=places
            )
            try:
                await self._take(models.line, order, answers)
            except HostCrashed:
                # Ray gave up on the stream. What has come so far is kept; the rest is sent out again.
                losses = 0 if answers.rows > before else losses + 1
                if losses == _LOSSES:
                    raise
            else:
                await answers.tell(is_last=True)
                return host.version

    async def _take(self, line: ClusterLine, order: StreamOrder, answers: Answers) -> None:
        if not answers.rows:
            await answers.say(f"rows, waiting for room on the Ray cluster ({order.host.resources.told})", 0)
        step = _step.decode(await line.order("stream", order))
        try:
            following = asyncio.create_task(line.order("next", step))
            while reply := await following:
                # While these are written, the next are waited for.
                following = asyncio.create_task(line.order("next", step))
                for portion in _portions.decode(reply):
                    await answers.keep(portion)
        finally:
            following.cancel()
            await _end(line, step)


async def _end(line: ClusterLine, step: Step) -> None:
    try:
        await line.order("end stream", step)
    except HostUnreachable:
        return  # it ended with its carrier
