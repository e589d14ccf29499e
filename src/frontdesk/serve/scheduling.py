"""Runs schedules: each web process looks what is due; `desk.schedules` sees to it that one of them has it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec
from starlette.requests import HTTPConnection

from frontdesk.access.caller import LOCAL, Caller
from frontdesk.access.rules import Action
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.schedules import Schedule, ScheduleKind
from frontdesk.errors import Conflict, Forbidden, FrontdeskError, InvalidInput, NotFound
from frontdesk.serve.batching import BatchOrder, submit_stored
from frontdesk.serve.inbox import Inbox
from frontdesk.serve.services import Services
from frontdesk.serve.threads import in_thread
from frontdesk.serve.training import TrainOrder, checked_parameters, trainable
from frontdesk.serve.training import submit as submit_training
from frontdesk.store.sheets.formats import SheetFormat

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
_ACTIONS = {
    ScheduleKind.INBOX: Action.BATCH,
    ScheduleKind.BATCH: Action.BATCH,
    ScheduleKind.TRAIN: Action.TRAIN,
}


class Scheduler:
    """Runs what is due, in its owner's name and with their rights as they are then."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; call it on the event loop."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End after the run in hand."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                await in_thread(self.look)
            except Exception:
                # The database may be away for a while; what is due stays due.
                log.exception("the schedules could not be looked at")
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Run what is due, and see what became of files that were taken from inboxes."""
        for schedule in self._services.schedules.take_due():
            try:
                self.run(schedule)
            except Exception:
                # One that cannot be run must not keep others from running. It is tried again after its minute.
                log.exception("schedule %s could not be run", schedule.id)
        if self._services.inbox is not None:
            for schedule in self._services.schedules.inboxes():
                try:
                    self._inbox(schedule).collect(self._services)
                except (FrontdeskError, OSError):
                    log.exception(
                        "what came of the files of inbox %s could not be laid there", schedule.work.folder
                    )

    def run(self, schedule: Schedule, due: datetime | None = None) -> list[str]:
        """Run it, for the time it is due at or another; give the ids of its jobs. What goes wrong is noted with it."""
        jobs: list[str] = []
        error: str | None = None
        try:
            jobs, faults = self._do(schedule, due or schedule.next_at or datetime.now(UTC))
            error = "; ".join(faults) or None
        except InvalidInput as refusal:
            error = "; ".join(fault.detail for fault in refusal.faults)
        except FrontdeskError as refusal:
            error = str(refusal)
        except OSError as fault:
            error = f"{fault.filename or 'A file'}: {fault.strerror or fault}"
        if error is not None:
            log.info("schedule %s: %s", schedule.id, error)
        self._services.schedules.ran(schedule, jobs, error)
        return jobs

    def _do(self, schedule: Schedule, due: datetime) -> tuple[list[str], list[str]]:
        card = self._services.tasks.get(schedule.work.task)
        if card is None:
            raise NotFound(f"The task {schedule.work.task} is served no more.")
        self._refuse_whom_it_is_forbidden(schedule)
        key = f"schedule-{schedule.id}-{int(due.timestamp())}"
        match schedule.kind:
            case ScheduleKind.INBOX:
                return self._inbox(schedule).take(self._services, _order(schedule, card, None), schedule.id)
            case ScheduleKind.BATCH:
                stored = self._services.files.get(schedule.work.file or "")
                return [submit_stored(self._services, _order(schedule, card, key), stored).id], []
            case ScheduleKind.TRAIN:
                return [self._train(schedule, card, key)], []

    def _train(self, schedule: Schedule, card: TaskCard, key: str) -> str:
        work = schedule.work
        model = trainable(card, work.model)
        parameters = checked_parameters(model, msgspec.json.encode(work.parameters))
        order = TrainOrder(
            owner=schedule.owner,
            task=card,
            model=model,
            parameters=parameters,
            data=work.file,
            idempotency_key=key,
        )
        return submit_training(self._services, order).id

    def _refuse_whom_it_is_forbidden(self, schedule: Schedule) -> None:
        gate = self._services.gate
        caller: Caller | None = LOCAL if gate is None else gate.of_user(schedule.owner)
        action = _ACTIONS[schedule.kind]
        if caller is None or caller.owner != schedule.owner:
            raise Forbidden("Whoever made this schedule may not come in any more.")
        if not caller.may(action, schedule.work.task):
            raise Forbidden(f"Whoever made this schedule may not {action} {schedule.work.task} any more.")

    def _inbox(self, schedule: Schedule) -> Inbox:
        root = self._services.inbox
        if root is None:
            raise Conflict("This server has no inboxes any more (FRONTDESK_INBOX).")
        return Inbox(root, schedule.work.folder or "")


def scheduler_of(request: HTTPConnection) -> Scheduler:
    """The scheduler of the app that got this request."""
    return cast(Scheduler, request.app.state.scheduler)


def check_work(services: Services, schedule_kind: ScheduleKind, caller: Caller, card: TaskCard) -> None:
    """Raises Forbidden, Conflict where a schedule of this kind could never run."""
    action = _ACTIONS[schedule_kind]
    if not caller.may(action, card.name):
        raise Forbidden(f"You may not {action} {card.name}.")
    if schedule_kind is ScheduleKind.INBOX and services.inbox is None:
        raise Conflict("This server has no folder for inboxes: its administrator sets FRONTDESK_INBOX.")


def inbox_path(services: Services, folder: str) -> Path | None:
    """Where files are to be put."""
    return None if services.inbox is None else services.inbox / folder


def _order(schedule: Schedule, card: TaskCard, key: str | None) -> BatchOrder:
    work = schedule.work
    model = card.model(work.model)
    if model is None:
        raise NotFound(f"There is no model {work.model} any more.")
    return BatchOrder(
        owner=schedule.owner, task=card, model=model, version=work.version, format=SheetFormat(work.format),
        strict=work.strict, idempotency_key=key,
    )  # fmt: skip
