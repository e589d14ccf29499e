"""Train jobs: from a lease to a version, through a process of their own.

    lease ──> folders, copy of the data ──> process ──> told to the desk a few times a second
                                               └──> version ──> live, where that is the model's policy ──> Finished

Three crashes leave something behind, and each is mended here. Before the version is made: folders, which go when
the next training begins; its checkpoints stay, and the next attempt goes on from them. After the version is made and
before the job is finished: the next attempt finds the version by the job's id and makes no second one. After that:
folders again.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from frontdesk.catalog.version import Origin, VersionRecord
from frontdesk.catalog.versions import Versions
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.desk.job import Failure, Job, JobState, Lane, Lease
from frontdesk.desk.queue import Desk
from frontdesk.desk.training import Told, TrainOutputs, TrainPayload
from frontdesk.errors import FileDamaged, HostUnreachable, LeaseLost, NotFound, StoreUnavailable
from frontdesk.host.child import how_it_ended
from frontdesk.run.checkpoint_backup import CheckpointBackup
from frontdesk.run.chronicle import Chronicle
from frontdesk.run.outcome import Failed, Finished, Outcome, Released, no_room
from frontdesk.run.performer import Models
from frontdesk.run.train_bench import TrainBench, TrainBenches
from frontdesk.run.train_child import StartTraining, Training, start_here
from frontdesk.run.train_keeping import go_live_if_better, once_it_can_be_kept
from frontdesk.run.train_limits import TrainLimits
from frontdesk.run.train_messages import Stumbled, Trained, TrainSpec
from frontdesk.store.files import FileStore

log = logging.getLogger(__name__)

_TELL_EVERY_S = 0.2
_LOOK_EVERY_S = 1.0


class Trainer:
    """Does train jobs."""

    lane = Lane.TRAIN
    takes_long = True

    def __init__(
        self,
        desk: Desk,
        files: FileStore,
        versions: Versions,
        cards: Mapping[str, TaskCard],
        *,
        data_folder: Path,
        models_folder: Path,
        limits: TrainLimits,
        start: StartTraining = start_here,
        elsewhere: bool = False,
        backup: CheckpointBackup,
    ) -> None:
        """`elsewhere`: what `start` starts works on machines that share no folder with this one."""
        self._desk, self._files, self._versions, self._cards = desk, files, versions, cards
        self._benches = TrainBenches(desk, files, data_folder, backup, elsewhere=elsewhere)
        self._backup = backup
        self._models_folder, self._limits, self._start = models_folder, limits, start

    @property
    def room(self) -> int:
        """How many trainings run at a time."""
        return self._limits.at_once

    def took(self, seconds: float) -> None:
        """How long a training takes says nothing about how many there is room for."""

    async def perform(self, lease: Lease, hosts: Models) -> Outcome:
        """Train. Never raises for what the job or the model did wrong."""
        job = lease.job
        made = await asyncio.to_thread(self._versions.made_once, job.id)
        task = self._cards.get(job.task)
        model = task.model(job.model) if task else None
        if made is not None:  # by an attempt that was lost before it could say so
            return await self._finish(lease, made, model, hosts)
        if task is None or model is None or not model.trains:
            return Failed(
                Failure(f"There is no model {job.model} of {job.task} that can be trained.", "NotFound")
            )
        payload = msgspec.json.decode(job.payload, type=TrainPayload)
        try:
            bench = await self._set_up(lease, payload)
        except LeaseLost:
            return Released()
        except NotFound:
            return Failed(Failure("The data it was to learn from is gone.", NotFound.__name__))
        except StoreUnavailable:
            return Released()
        except FileDamaged as error:
            return Failed(Failure.of(error))
        except OSError as error:
            return no_room(error, "to train")
        try:
            return await self._train(lease, task, model, payload, bench, hosts)
        except HostUnreachable:
            return Released()
        finally:
            await asyncio.to_thread(self._benches.put_away, bench)

    async def _set_up(self, lease: Lease, payload: TrainPayload) -> TrainBench:
        """A bench; it does not stay where nobody needs it any more before it is ready."""
        making = asyncio.ensure_future(asyncio.to_thread(self._benches.set_up, lease, payload))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(self._put_away_unused)
            raise

    def _put_away_unused(self, made: asyncio.Future[TrainBench]) -> None:
        if not made.cancelled() and made.exception() is None:
            _ = made.get_loop().run_in_executor(None, self._benches.put_away, made.result())

    def _spec(self, lease: Lease, task: TaskCard, payload: TrainPayload, bench: TrainBench) -> TrainSpec:
        job = lease.job
        stored = self._files.get(payload.data) if payload.data else None
        return TrainSpec(
            source=task.source,
            task=task.name,
            model=job.model,
            parameters=payload.parameters,
            seed=payload.seed,
            folder=str(bench.version.absolute()),
            checkpoints=str(bench.checkpoints.absolute()),
            spool=str(bench.spool.absolute()),
            models_folder=str(self._models_folder.absolute()),
            silence_s=self._limits.silence_s,
            data=str(bench.data.absolute()) if bench.data else "",
            data_name=stored.name if stored else "",
            data_sha256=stored.sha256 if stored else "",
            data_bytes=stored.size_bytes if stored else 0,
            data_file=stored.id if stored else "",
            job=job.id,
            token=lease.token,
        )

    # -------------------------------------------------------------------------- while it runs

    async def _train(
        self, lease: Lease, task: TaskCard, model: ModelCard, payload: TrainPayload, bench: TrainBench,
        hosts: Models,
    ) -> Outcome:  # fmt: skip
        spec = await asyncio.to_thread(self._spec, lease, task, payload, bench)
        child = await self._start(spec, model)
        watching = asyncio.create_task(self._watch(child))
        chronicle = Chronicle(self._desk, lease, bench.spool)
        telling = asyncio.create_task(self._tell(chronicle, child))
        saving = asyncio.create_task(self._backup.going_on(lease.job.id, lease.token, bench.checkpoints))
        was_cancelled, code = False, 0
        try:
            try:
                code = await child.ended()
            except asyncio.CancelledError:
                was_cancelled = model.keeps_cancelled and await self._is_cancelled(lease.job)
                if not was_cancelled:
                    raise
                child.cancel()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.cancel_grace_s):
                        code = await child.ended()
        finally:
            child.end()
            for task_of_ours in (watching, telling, saving):
                task_of_ours.cancel()
            await asyncio.gather(watching, telling, saving, return_exceptions=True)
        with contextlib.suppress(LeaseLost):
            await self._tell_now(chronicle, child, is_last=True)
        if child.verdict is None and child.was_left_alone:
            return Released()
        if not isinstance(child.verdict, Trained):
            return Failed(Failure(_reason(child, code)))
        origin = _origin(lease.job, model, spec, child.verdict, child.seconds(), was_cancelled)
        return await self._keep(lease, model, payload, bench, child, origin, hosts)

    async def _is_cancelled(self, job: Job) -> bool:
        """Whether its owner cancelled it; otherwise it is another worker's now, or this one is stopping."""
        return await asyncio.to_thread(self._benches.state, job.id) is JobState.CANCELLED

    async def _tell(self, chronicle: Chronicle, child: Training) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            try:
                await self._tell_now(chronicle, child)
            except LeaseLost:
                return  # the heartbeat notices, too, and ends it

    async def _tell_now(self, chronicle: Chronicle, child: Training, *, is_last: bool = False) -> None:
        said = Told() if chronicle.is_behind and not is_last else child.take()
        await asyncio.to_thread(chronicle.write, said, is_last=is_last)

    async def _watch(self, child: Training) -> None:
        """Hold it to its limits."""
        limits = self._limits
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            memory_mb = limits.memory_mb or int(child.machine_bytes * 0.9) >> 20
            used_mb = await asyncio.to_thread(child.memory_bytes, memory_mb << 20) >> 20
            if used_mb > memory_mb:
                child.kill(f"It used {used_mb} MB of memory, more than the {memory_mb} MB allowed.")
            if limits.time_s and child.seconds() > limits.time_s:
                child.kill(f"It did not return within {limits.time_s:g} s.")
            wrote_mb = await asyncio.to_thread(child.wrote_mb)
            if limits.folder_mb and wrote_mb > limits.folder_mb:
                child.kill(f"It wrote {wrote_mb} MB, more than the {limits.folder_mb} MB allowed.")

    # --------------------------------------------------------------------------- after it

    async def _keep(
        self, lease: Lease, model: ModelCard, payload: TrainPayload, bench: TrainBench, child: Training,
        origin: Origin, hosts: Models,
    ) -> Outcome:  # fmt: skip
        """Make a version of what it left."""
        job, trained = lease.job, child.verdict
        assert isinstance(trained, Trained)
        once = f"{job.id}:{lease.token}" if origin.was_cancelled else job.id
        try:
            placed = child.placed
            if placed is None:
                place = functools.partial(self._versions.place, job.task, job.model, bench.version)
                placed = await once_it_can_be_kept(place)
            version = await once_it_can_be_kept(
                functools.partial(
                    self._versions.add, job.task, job.model, placed, trained.metrics, payload.parameters,
                    live=False, origin=origin, job=job.id, once=once, fence=self._desk.fence(lease),
                    profile=trained.profile,
                )
            )  # fmt: skip
        except LeaseLost:
            return Released()
        except OSError as error:
            return Failed(Failure(f"What it learned could not be kept: {error.strerror}."))
        await asyncio.to_thread(shutil.rmtree, bench.checkpoints, ignore_errors=True)
        await asyncio.to_thread(self._backup.forget, job.id)
        return await self._finish(lease, version, model, hosts)

    async def _finish(
        self, lease: Lease, version: VersionRecord, model: ModelCard | None, hosts: Models
    ) -> Outcome:
        if model is not None and not version.is_live and not version.origin.was_cancelled:
            try:
                version = await go_live_if_better(
                    self._versions, version, model, hosts, self._desk.fence(lease)
                )
            except (LeaseLost, HostUnreachable):
                return Released()  # the next attempt finds the version, and goes on here
        return _finished(version)


def _origin(
    job: Job, model: ModelCard, spec: TrainSpec, trained: Trained, duration_s: float, was_cancelled: bool
) -> Origin:
    return Origin(
        owner=job.owner,
        seed=spec.seed,
        data=spec.data_name,
        data_sha256=spec.data_sha256,
        code_sha256=model.code_sha256,
        libraries=trained.libraries,
        duration_s=duration_s,
        was_cancelled=was_cancelled,
    )


def _finished(version: VersionRecord) -> Finished:
    outputs = TrainOutputs(version=version.number, is_live=version.is_live, metrics=version.metrics)
    return Finished(msgspec.json.encode(outputs), version.number)


def _reason(child: Training, code: int) -> str:
    """Why there is nothing to keep, and what it wrote last."""
    if child.cause:
        reason = child.cause
    elif isinstance(child.verdict, Stumbled):
        reason = child.verdict.reason
    else:
        reason = how_it_ended(code)
    last = child.last_lines()
    return f"{reason}\n\nIt wrote last:\n{last}" if last else reason
