"""What a worker makes of a job that could not be done for reasons that pass."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from frontdesk.desk.job import Lane, Lease
from frontdesk.desk.workers import Workers
from frontdesk.errors import StoreUnavailable
from frontdesk.run.duty import introduce
from frontdesk.run.life import SignOfLife
from frontdesk.run.outcome import Finished, Outcome
from frontdesk.run.performer import Models
from frontdesk.run.worker import Worker
from support.desks import Office, open_office
from support.server import until


class NoModels:
    """Nobody is asked here."""

    async def close(self) -> None:
        pass


class Unlucky:
    """Meets a database that restarts, the first time."""

    lane, takes_long, room = Lane.PREDICT, False, 3

    def __init__(self) -> None:
        self.tries = 0

    def took(self, seconds: float) -> None:
        pass

    async def perform(self, lease: Lease, hosts: Models) -> Outcome:
        self.tries += 1
        if self.tries == 1:
            raise StoreUnavailable("The server's database is not there now.")
        return Finished(b"{}", 1)


def worker_of(office: Office, performer: Unlucky) -> Worker:
    return Worker(
        office.desk,
        NoModels,  # type: ignore[arg-type]
        office.engine,
        [performer],
        Workers(office.database, 15),
        who=introduce("worker", {Lane.PREDICT: 1}, None),
        served=["flowers"],
        life=SignOfLife(office.folder / "alive"),
    )


def test_a_job_that_met_a_database_that_restarts_goes_back_to_its_place_and_is_done(tmp_path: Path) -> None:
    with open_office(tmp_path / "office") as office:
        job, performer = office.submit(), Unlucky()
        worker = worker_of(office, performer)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            until(lambda: office.desk.get(job.id, None).state.is_final, 20, "the end of the job")
        finally:
            worker.stop()
            thread.join()
        assert office.states(job.id) == ["queued", "running", "queued", "running", "succeeded"]
        assert office.desk.get(job.id, None).attempts == 1
        assert performer.tries == 2


def test_one_that_is_to_stop_does_so_while_the_database_is_away(tmp_path: Path) -> None:
    with open_office(tmp_path / "office") as office:
        worker, tries = worker_of(office, Unlucky()), threading.Semaphore(0)

        def away(*_: Any) -> list[Lease]:
            tries.release()
            raise StoreUnavailable("The server's database is not there now.")

        office.desk.claim = away  # type: ignore[method-assign]
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        tries.acquire()
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_a_job_that_went_back_and_came_again_is_settled_once(tmp_path: Path) -> None:
    """One goes back while what came of the other cannot be written; it is done anew before that is heard again."""
    with open_office(tmp_path / "office") as office:
        jobs = [office.submit(), office.submit()]
        settle, refusals = office.desk.settle, iter([True] * 3)

        def settle_later(*outcomes: Any) -> set[str]:
            if next(refusals, False):
                raise StoreUnavailable("The server's database is not there now.")
            return settle(*outcomes)

        office.desk.settle = settle_later  # type: ignore[method-assign]
        worker = worker_of(office, Unlucky())
        ended: list[str] = []
        thread = threading.Thread(target=lambda: ended.append(worker.run() or "in order"))
        thread.start()
        try:
            for job in jobs:
                until(lambda job=job: office.desk.get(job.id, None).state.is_final, 20, "the end of the job")
        finally:
            worker.stop()
            thread.join()
        assert ended == ["in order"]
        assert [office.desk.get(job.id, None).state for job in jobs] == ["succeeded"] * 2
