"""The worker: claims jobs of each lane it serves, has them done, writes what came of them.

One thread (the caller's) owns everything the desk is told. It waits on one inbox, into which the
engine's wake-ups, the hosts' answers and the heartbeat's tick are put; so there are no locks and
no polling. Predict jobs run on an event loop in a thread of its own, many at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from frontdesk.desk.engine import Engine, Post
from frontdesk.desk.job import OUR_FAULT, Failure, Lane, Lease
from frontdesk.desk.queue import Desk
from frontdesk.desk.workers import Introduction, Wish, Workers, WorkerState
from frontdesk.errors import StoreUnavailable
from frontdesk.run.life import SignOfLife
from frontdesk.run.loop import loop_for
from frontdesk.run.outcome import Failed, Finished, Outcome, Released
from frontdesk.run.performer import Models, Performer

log = logging.getLogger(__name__)

_PAUSE_AFTER_RELEASE_S = 0.5
_PAUSE_UNWRITTEN_S = 1.0
_IDLE_LOOK_S = 5.0  # a lost wake-up costs at most this; the sweeper usually rings before
_CANCEL_LOOK_S = 0.2
_CLOSING_S = 5.0


@dataclass(frozen=True, slots=True)
class _Done:
    lease: Lease
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Touched:
    """Somebody changed these jobs, or any where there are no ids: one of ours may have been cancelled."""

    job_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Woken:
    pass


_Note = _Done | _Touched | _Woken


@dataclass(slots=True)
class _Held:
    lease: Lease
    performer: Performer
    claimed_at: float
    running: Future[None]


class Worker:
    """Does the jobs of its performers' lanes until `stop` is called; `run` returns once what it holds is done.

    What takes long is not waited for then: it goes back to its place in line. So does after `drain_s` whatever is left.
    """

    def __init__(
        self,
        desk: Desk,
        hosts: Callable[[], Models],
        engine: Engine,
        performers: Sequence[Performer],
        workers: Workers,
        *,
        who: Introduction,
        served: Sequence[str],
        lease_s: float = 15.0,
        drain_s: float = 20.0,
        life: SignOfLife,
    ) -> None:
        self._desk, self._engine, self._workers = desk, engine, workers
        self._performers = {performer.lane: performer for performer in performers}
        self._connect, self._who = hosts, who
        self._post = Post(who.name, tuple(self._performers), who.tasks or tuple(served))
        self._beat_every_s = lease_s / 3
        self._drain_s = drain_s
        self._life = life
        self._inbox: queue.SimpleQueue[_Note] = queue.SimpleQueue()
        self._held: dict[str, _Held] = {}
        self._wish, self._told = Wish.WORK, WorkerState.WORKING
        self._is_to_stop = False
        self._give_up_at = float("inf")
        self._claim_after = self._beat_at = 0.0
        self._loop = loop_for(sum(who.lanes.values()))

    def stop(self) -> None:
        """Drain, and end. Safe to call from a signal handler or another thread."""
        self._is_to_stop = True
        self.look()

    def look(self) -> None:
        """Look for jobs now: there may be room for them that there was not. Any thread may call it."""
        self._inbox.put(_Woken())

    def run(self, begun: Callable[[], object] = lambda: None) -> None:
        """Work until stopped; call `begun` when that begins."""
        loop_thread = threading.Thread(target=self._loop.run_forever, name="host-calls", daemon=True)
        loop_thread.start()
        self._hosts = asyncio.run_coroutine_threadsafe(self._open_hosts(), self._loop).result()
        self._attendance = self._engine.attend(self._post, lambda lane: self._inbox.put(_Woken()))
        stop_listening = self._engine.listen(lambda job_ids: self._inbox.put(_Touched(job_ids)))
        self._arrive()
        begun()
        try:
            self._work()
        finally:
            self._depart()
            self._attendance.stop()
            stop_listening()
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            loop_thread.join(timeout=5)
            self._loop.close()

    async def _open_hosts(self) -> Models:
        return self._connect()

    async def _close(self) -> None:
        """End what was given back, with the processes it has, and let go of the hosts."""
        work = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in work:
            task.cancel()
        if work:
            await asyncio.wait(work, timeout=_CLOSING_S)
        await self._hosts.close()

    def _arrive(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # the next heartbeat tries again
            self._workers.arrive(self._who)

    def _depart(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # then it is shown as lost
            self._workers.depart(self._who.name)

    def _work(self) -> None:
        while self._wish is not Wish.LEAVE or (self._held and time.monotonic() < self._give_up_at):
            self._life.show()
            try:
                self._turn()
            except StoreUnavailable as error:
                # What is done stays done, and is written once there is room; dying of it would do it all again.
                log.warning("%s", error)
                time.sleep(_PAUSE_UNWRITTEN_S)
                if self._is_to_stop:  # a database that is away keeps nobody from ending
                    self._heed(Wish.LEAVE)
        self._release([*self._held.values()])

    def _turn(self) -> None:
        self._attendance.wants(self._claim() if self._wish is Wish.WORK else (), len(self._held))
        notes = self._notes()
        if self._is_to_stop:
            self._heed(Wish.LEAVE)
        self._settle([note for note in notes if isinstance(note, _Done)])
        self._look_for_cancelled(notes)
        self._beat_if_due()

    # -------------------------------------------------------------------------- draining

    def _heed(self, wish: Wish) -> None:
        """Do what is wished. Who is to leave does not come back."""
        if wish is self._wish or self._wish is Wish.LEAVE:
            return
        log.info("worker %s: %s", self._who.name, wish)
        was_at_work, self._wish = self._wish is Wish.WORK, wish
        if wish is Wish.WORK:
            self._give_up_at = float("inf")
        elif was_at_work:
            self._give_up_at = time.monotonic() + self._drain_s
            self._release([held for held in self._held.values() if held.performer.takes_long])

    @property
    def _state(self) -> WorkerState:
        if self._wish is Wish.WORK:
            return WorkerState.WORKING
        return WorkerState.DRAINING if self._held else WorkerState.PAUSED

    # ------------------------------------------------------------------------ taking work

    def _claim(self) -> list[str]:
        """Take as much as there is room for; give the lanes in which some is left."""
        now = time.monotonic()
        if now < self._claim_after:
            return []
        if not (room := self._room()):
            return []
        for lease in self._desk.claim(self._who.name, room, self._who.tasks):
            performer = self._performers[lease.job.kind]
            running = asyncio.run_coroutine_threadsafe(self._perform(performer, lease), self._loop)
            self._held[lease.job.id] = _Held(lease, performer, now, running)
        return [*self._room()]

    def _room(self) -> dict[Lane, int]:
        held = Counter(held.lease.job.kind for held in self._held.values())
        return {lane: p.room - held[lane] for lane, p in self._performers.items() if p.room > held[lane]}

    async def _perform(self, performer: Performer, lease: Lease) -> None:
        try:
            outcome = await performer.perform(lease, self._hosts)
        except asyncio.CancelledError:
            raise
        except StoreUnavailable as error:  # nothing is wrong with the job: it goes back to its place in line
            log.warning("job %s is given back: %s", lease.job.id, error)
            outcome = Released()
        except Exception:
            log.exception("job %s could not be run", lease.job.id)
            outcome = Failed(Failure(OUR_FAULT))
        self._inbox.put(_Done(lease, outcome))

    # ------------------------------------------------------------------- what has happened

    def _notes(self) -> list[_Note]:
        """Wait for something to happen, then take all that has."""
        now = time.monotonic()
        wait_s = min(_IDLE_LOOK_S, max(self._beat_at - now, 0.0))
        if now < self._claim_after:
            wait_s = min(wait_s, self._claim_after - now)
        try:
            notes = [self._inbox.get(timeout=wait_s)]
        except queue.Empty:
            return []
        while not self._inbox.empty():
            notes.append(self._inbox.get_nowait())
        return notes

    def _settle(self, done: Sequence[_Done]) -> None:
        """Write outcomes, all in one transaction. A lease that was lost in the meantime is refused there."""
        now = time.monotonic()
        finished: list[tuple[Lease, bytes, int]] = []
        failed: list[tuple[Lease, Failure]] = []
        # A job that went back and came again may be told of twice: only what was done under the lease of now counts.
        ours = [
            (n.outcome, h)
            for n in done
            if (h := self._held.get(n.lease.job.id)) and h.lease.token == n.lease.token
        ]
        try:
            for outcome, held in ours:
                match outcome:
                    case Finished(outputs, version):
                        finished.append((held.lease, outputs, version))
                    case Failed(failure):
                        failed.append((held.lease, failure))
                    case Released():
                        self._desk.release(held.lease)
                        self._claim_after = now + _PAUSE_AFTER_RELEASE_S
            if finished or failed:
                self._desk.settle(finished, failed)
        except StoreUnavailable:
            for note in done:
                self._inbox.put(note)
            raise
        for outcome, held in ours:
            del self._held[held.lease.job.id]
            if isinstance(outcome, Finished):
                held.performer.took(now - held.claimed_at)

    def _look_for_cancelled(self, notes: Sequence[_Note]) -> None:
        touched = [note.job_ids for note in notes if isinstance(note, _Touched)]
        if any(not job_ids or self._held.keys() & set(job_ids) for job_ids in touched):
            # Our own claims are announced too, so look soon and once, not now and for each.
            self._beat_at = min(self._beat_at, time.monotonic() + _CANCEL_LOOK_S)

    def _beat_if_due(self) -> None:
        if (now := time.monotonic()) < self._beat_at and self._state is self._told:
            return
        lost = self._desk.beat([held.lease for held in self._held.values()]) if self._held else ()
        for job_id in lost:
            # Cancelled, or ours no longer: end the running work. Its outcome would be refused anyway.
            self._held.pop(job_id).running.cancel()
        if now > self._give_up_at:
            self._release([*self._held.values()])
        self._beat_at = now + self._beat_every_s
        self._told = self._state
        self._heed(self._workers.beat(self._who, self._told))

    def _release(self, given_back: Sequence[_Held]) -> None:
        for held in given_back:
            held.running.cancel()
            with contextlib.suppress(StoreUnavailable):  # the lease runs out
                self._desk.release(held.lease)
            del self._held[held.lease.job.id]
