"""Predict jobs: from a lease to an outcome, through a host."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from frontdesk.desk.job import Failure, Job, Lane, Lease
from frontdesk.errors import (
    FileDamaged,
    FrontdeskError,
    HostUnreachable,
    NotFound,
    Overloaded,
    StoreUnavailable,
)
from frontdesk.monitor.collector import Collector
from frontdesk.run.outcome import Failed, Finished, Outcome, Released
from frontdesk.run.performer import Models
from frontdesk.run.window import Window
from frontdesk.store.files import FileStore


class _Payload(msgspec.Struct, frozen=True):
    inputs: dict[str, Any]


_payload_decoder = msgspec.json.Decoder(_Payload)


class Predictor:
    """Does predict jobs, as many at a time as come back soon."""

    lane = Lane.PREDICT
    takes_long = False

    def __init__(self, files: FileStore, concurrency: int, collector: Collector) -> None:
        self._files, self._window, self._collector = files, Window(concurrency), collector
        self._keeping: asyncio.Task[None] | None = None

    @property
    def room(self) -> int:
        """How many jobs it takes at a time."""
        return self._window.size

    def took(self, seconds: float) -> None:
        """One job took that long."""
        self._window.answered(seconds)

    async def perform(self, lease: Lease, hosts: Models) -> Outcome:
        """Do one."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._collector.keep_up())
        return await predict(lease.job, hosts, self._files, self._collector)


async def predict(job: Job, hosts: Models, files: FileStore, collector: Collector | None = None) -> Outcome:
    """Ask the model what the job asks. Never raises for what the job or the model did wrong."""
    try:
        inputs = await _with_file_contents(_payload_decoder.decode(job.payload).inputs, files)
    except NotFound:
        return Failed(Failure("A file this job needs is gone.", NotFound.__name__))
    except StoreUnavailable:
        return Released()
    except FileDamaged as error:
        return Failed(Failure.of(error))
    began = time.perf_counter()
    try:
        answer = await hosts.call(job.task, job.model, job.version, inputs, on_cancel="kill")
    except (Overloaded, HostUnreachable):
        # Nothing is wrong with the job: it goes back to its place in line.
        return Released()
    except FrontdeskError as error:
        if collector is not None:
            collector.failed(job.task, job.model)
        return Failed(Failure.of(error))
    if collector is not None:
        key = (job.task, job.model, answer.version)
        took_s = time.perf_counter() - began
        collector.answered(job.owner, key, took_s, inputs, answer.outputs, known_as=job.id)
    return Finished(answer.outputs, answer.version)


async def _with_file_contents(inputs: dict[str, Any], files: FileStore) -> dict[str, Any]:
    for name, value in inputs.items():
        if _is_file_reference(value):
            inputs[name] = await asyncio.to_thread(files.read, value["file"])
    return inputs


def _is_file_reference(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"file"}
