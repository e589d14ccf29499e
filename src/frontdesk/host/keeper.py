"""Keeps one model version alive: start, watch, start again more slowly, give up, unload.

    stopped ──> starting ──> ready ──> stopped          unloaded when idle, or told to
                 │  ^          │
                 │  └ backing_off <── a crash, or a load that failed
                 ├──> untrained                         there is nothing to load yet
                 ├──> training ──> starting             at its first start, where it trains itself
                 └──> broken                            too many crashes or failed loads in a row

A host that is killed on purpose, because a call in it took too long, starts again at once: that is no crash.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import tempfile
import time
from pathlib import Path

from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.errors import FileDamaged, StoreUnavailable
from frontdesk.host.child import HostChild, how_it_ended
from frontdesk.host.failures import Failures
from frontdesk.host.life import Life, Wish
from frontdesk.host.logs import HostLog
from frontdesk.host.messages import HostReport, HostSpec, HostStatus
from frontdesk.host.place import HostPlace

log = logging.getLogger(__name__)

_SETTLED = ("stopped", "ready", "untrained", "broken")
_RETRY_UNTRAINED_S = 2.0


class Keeper:
    """The host of one version of one model. `version` is None as long as nothing was trained."""

    def __init__(
        self,
        task: TaskCard,
        model: ModelCard,
        version: VersionRecord | None,
        place: HostPlace,
        output: HostLog,
    ) -> None:
        self.task, self.model, self.version = task, model, version
        self.state, self.reason, self.since = "stopped", "", time.time()
        self.generation = 0
        self._place, self._output = place, output
        self._life: Life | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._settled.set()
        self._restarts = self._calls_before = self._memory_bytes = 0
        self._failures = Failures(
            crash_limit=place.limits.crash_limit,
            failed_load_limit=place.limits.failed_load_limit,
            first_pause_s=place.limits.first_pause_s,
            longest_pause_s=place.limits.longest_pause_s,
        )

    @property
    def number(self) -> int:
        """The number of its version, 0 as long as there is none."""
        return self.version.number if self.version else 0

    @property
    def socket(self) -> str:
        """Where its process listens; empty when there is none."""
        return self._life.socket if self._life else ""

    @property
    def pid(self) -> int:
        """Its process, 0 when there is none."""
        return self._life.child.pid if self._life and self._life.child else 0

    def status(self) -> HostStatus:
        """What the status pane shows."""
        return HostStatus(
            task=self.task.name,
            model=self.model.name,
            version=self.number,
            state=self.state,
            reason=self.reason or (self._life.alive.reason if self._life else ""),
            pid=self.pid,
            memory_bytes=self._memory_bytes if self.pid else 0,
            calls=self._calls_before + (self._life.alive.calls if self._life else 0),
            restarts=self._restarts,
            since=self.since,
        )

    # ----------------------------------------------------------------- what others ask

    async def settled(self) -> None:
        """Wait until it is known whether the model can answer."""
        await self._settled.wait()

    def want(self) -> None:
        """Somebody needs the model: start it, unless it runs or is broken."""
        recently = time.time() - self.since < _RETRY_UNTRAINED_S
        if self.state == "stopped" or (self.state == "untrained" and not recently):
            self._start()

    def restart(self) -> None:
        """Try afresh, whatever happened before. What is in the host is answered first."""
        self._failures.forget()
        if self.state == "ready" and self._life:
            self._drain(self._life, Wish.START_AGAIN)
        elif self.state == "backing_off" and self._keeping:
            self._keeping.cancel()
            self._start()
        elif self.state in _SETTLED:
            self._start()
        elif self._life and self._life.wish is None:  # it loads or trains, perhaps for ever
            self._life.wish = Wish.START_AGAIN
            self._life.end()

    def kill(self, generation: int, reason: str) -> None:
        """End the process now and start another, unless it is another one already."""
        if self._life and generation == self.generation and self.state == "ready":
            self._output.note(f"killed: {reason}")
            self._life.wish = Wish.START_AGAIN
            self._set("starting", reason)
            self._life.end()

    def retire(self) -> None:
        """Another version answers from now on: finish what is in hand, and end."""
        if self.state == "ready" and self._life:
            self._output.note("another version is live now")
            self._drain(self._life, Wish.STOP)

    def look(self, memory_bytes: int) -> None:
        """Hold the process to its limits."""
        if self._life is None:
            return
        self._memory_bytes = memory_bytes
        allowed_mb = self.model.memory_mb or self._place.limits.memory_mb
        if allowed_mb and memory_bytes > allowed_mb * 2**20:
            self._life.cause = (
                f"It used {memory_bytes >> 20} MB of memory, more than the {allowed_mb} MB allowed."
            )
            self._life.end()
            return
        idle_s = self._place.limits.idle_s
        is_idle = self._life.alive.in_hand == 0 and time.monotonic() - self._life.busy_at > idle_s > 0
        if self.state == "ready" and is_idle and not self.model.eager:
            self._output.note(f"unloaded after {idle_s:g} s without a call")
            self._drain(self._life, Wish.STOP)

    async def stop(self) -> None:
        """Let it finish what it has in hand, and end it."""
        if self._keeping is None:
            return
        if self.state == "ready" and self._life:
            self._drain(self._life, Wish.STOP)
        elif self._life:
            if self._life.wish is None:  # otherwise it is ending already
                self._life.end()
            self._life.wish = Wish.STOP
        else:
            self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)

    # ------------------------------------------------------------------- the life of it

    def _start(self) -> None:
        self._set("starting")
        if self._life:  # its process is being unloaded just now
            self._life.wish = Wish.START_AGAIN
        else:
            self._keeping = asyncio.create_task(self._keep())

    def _drain(self, life: Life, wish: Wish) -> None:
        assert life.child is not None
        life.wish = wish
        self._set("stopped" if wish is Wish.STOP else "starting")
        life.child.drain()
        asyncio.get_running_loop().call_later(self._place.limits.drain_s, life.end)

    async def _keep(self) -> None:
        try:
            while await (self._train() if self.version is None else self._serve(self.version)):
                pass
        except StoreUnavailable as error:  # no fault of the model: it is tried again when somebody asks
            self._set("stopped", str(error))
        except FileDamaged as error:
            self._set("broken", str(error))
        except Exception as error:
            log.exception("the keeper of %s.%s failed", self.task.name, self.model.name)
            self._set("broken", f"frontdesk itself failed on it: {error}")

    async def _serve(self, version: VersionRecord) -> bool:
        """One process that answers calls, from start to end; True when another is to follow."""
        async with self._place.at_hand(version) as folder:
            life, code = await self._live("starting", folder)
        return await self._after(life, code)

    async def _train(self) -> bool:
        """Make the first version, in a process that ends with it; True when something is to follow."""
        if not self.model.trains_at_first_start:
            self._set("untrained", "No version of this model has been trained yet.")
            return False
        with tempfile.TemporaryDirectory(dir=self._place.staging, ignore_cleanup_errors=True) as folder:
            staged = Path(folder, "version")  # `train_first` has the process make it
            life, code = await self._live("training", staged)
            report = life.verdict
            if report is None or report.event != "trained":
                return await self._after(life, code)
            # Somebody may have trained one meanwhile: then that one is live, and stays so.
            self.version = await asyncio.to_thread(
                self._place.versions.add, self.task.name, self.model.name, staged,
                report.metrics, report.parameters, live=False, profile=report.profile,
            )  # fmt: skip
        self._output.note(f"trained version {self.number}")
        return life.wish is not Wish.STOP

    async def _live(self, state: str, folder: Path) -> tuple[Life, int]:
        """Start a process and wait for its end."""
        self.generation += 1
        life = self._life = Life(str(self._place.sockets / f"{secrets.token_hex(4)}.sock"))
        self._set(state)
        try:
            life.child = await HostChild.start(
                self._spec(life, folder), self._output, functools.partial(self._hear, life)
            )
            self._output.note(f"{state}: process {self.pid}, version {self.number}")
            if life.wish is not None:  # asked to end while it was being started
                life.end()
            code = await life.child.ended()
        finally:
            self._life = None
            await asyncio.to_thread(Path(life.socket).unlink, missing_ok=True)
        self._calls_before += life.alive.calls
        return life, code

    def _spec(self, life: Life, folder: Path) -> HostSpec:
        return HostSpec(
            source=self.task.source,
            task=self.task.name,
            model=self.model.name,
            socket=life.socket,
            models_folder=str(self._place.models),
            version=self.number,
            version_folder=str(folder),
            metrics=dict(self.version.metrics) if self.version else {},
            parameters=dict(self.version.parameters) if self.version else {},
            train_first=self.version is None,
            max_batch=self.model.max_batch,
            pixel_limit=self._place.limits.pixel_limit,
        )

    def _hear(self, life: Life, report: HostReport) -> None:
        life.busy_at = time.monotonic()
        if report.event == "alive":
            life.alive = report
            if report.calls:
                self._failures.answered()
        elif report.event == "ready":
            life.was_ready = True
            self._failures.loaded()
            if life.wish is None:
                self._set("ready")
        else:
            life.verdict = report

    async def _after(self, life: Life, code: int) -> bool:
        """Decide what follows the end of a process, after a pause where one is due."""
        if life.wish is Wish.STOP:
            self._set("stopped")
            return False
        if life.wish is None:
            if life.verdict and life.verdict.event == "untrained":
                self._set("untrained", life.verdict.reason)
                return False
            reason = life.cause or (life.verdict.reason if life.verdict else how_it_ended(code))
            self._output.note(reason)
            log.warning("model %s of task %s: %s", self.model.name, self.task.name, reason)
            if life.was_ready:
                self._failures.crashed()
            else:
                self._failures.load_failed()
            if verdict := self._failures.verdict:
                self._set("broken", f"{verdict} {reason}")
                return False
            self._set("backing_off", reason)
            await asyncio.sleep(self._failures.pause_s)
        self._restarts += 1
        return True

    def _set(self, state: str, reason: str = "") -> None:
        self.state, self.reason, self.since = state, reason, time.time()
        if state in _SETTLED:
            self._settled.set()
        else:
            self._settled.clear()
