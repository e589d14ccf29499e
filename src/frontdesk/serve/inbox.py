"""Inboxes: a folder in which every new file becomes a batch job, and what came of it is laid beside.

    ROOT/FOLDER/march.csv                 somebody puts it there; once it has not changed for a few seconds it is taken
    ROOT/FOLDER/.taken/JOB march.csv      a job has it
    ROOT/FOLDER/results/march-predictions.xlsx, ROOT/FOLDER/done/march.csv
    ROOT/FOLDER/failed/march.csv, ROOT/FOLDER/failed/march.csv.reason.txt

A job is made under a key of the file's name, time and size before the file is moved. Killed in between, the next look
makes the same job again, which is then the same job. Links are not followed, and nothing outside the folder is touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from frontdesk.desk.job import Job, JobState
from frontdesk.errors import FrontdeskError, InvalidInput, NotFound, SettingsError
from frontdesk.serve.batching import BatchOrder, Upload, chunks_of, submit
from frontdesk.serve.services import Services

log = logging.getLogger(__name__)

SETTLED_AFTER_S = 5.0
_AT_ONCE = 200
_LONGEST_NAME_BYTES = 200
_UNFINISHED = (".part", ".tmp", ".partial", ".crdownload", "~")
_TAKEN, _RESULTS, _DONE, _FAILED = ".taken", "results", "done", "failed"


class Inbox:
    """One folder under the root."""

    def __init__(self, root: Path, name: str) -> None:
        self._folder = root / name

    def make(self) -> None:
        """Make it. Raises SettingsError where that is not possible, or somebody put a link there."""
        try:
            for folder in (
                self._folder,
                *(self._folder / name for name in (_TAKEN, _RESULTS, _DONE, _FAILED)),
            ):
                folder.mkdir(parents=True, exist_ok=True)
                if not stat.S_ISDIR(folder.lstat().st_mode):
                    raise SettingsError(f"{folder} is not a folder.")
        except OSError as error:
            raise SettingsError(f"The inbox {self._folder} cannot be made ({error.strerror}).") from None

    def take(self, services: Services, order: BatchOrder, schedule: str) -> tuple[list[str], list[str]]:
        """Make a job of every file that lies there; give their ids, and what was wrong with others."""
        self.make()
        jobs: list[str] = []
        faults: list[str] = []
        found = list(self._new_files())
        for path in found[:_AT_ONCE]:
            try:
                jobs.append(self._taken(services, order, schedule, path).id)
            except FileNotFoundError:
                continue  # another server was faster, or whoever put it there took it back
            except InvalidInput as refusal:
                faults.append(f"{path.name}: {_reason(refusal)}")
            except (FrontdeskError, OSError) as error:
                faults.append(f"{path.name}: {error}")  # it stays for the next run
        if len(found) > _AT_ONCE:
            faults.append(f"{len(found) - _AT_ONCE} more files wait for the next run")
        return jobs, faults

    def _taken(self, services: Services, order: BatchOrder, schedule: str, path: Path) -> Job:
        try:
            return self._submit(services, order, schedule, path)
        except InvalidInput as refusal:
            self._set_aside(path, path.name, _reason(refusal))
            raise

    def collect(self, services: Services) -> None:
        """Lay what has come of the jobs beside."""
        taken = self._folder / _TAKEN
        if not taken.is_dir() or taken.is_symlink():
            return
        for path in sorted(taken.iterdir())[:_AT_ONCE]:
            # Another server may lay the same down at the same time: whoever moves the file has done it.
            with contextlib.suppress(FileNotFoundError):
                self._collect(services, path)

    def _collect(self, services: Services, path: Path) -> None:
        job_id, _, name = path.name.partition(" ")
        try:
            job = services.desk.get(job_id, None)
        except NotFound:
            self._set_aside(path, name, "The job was removed before it was done.")
            return
        if job.state is JobState.SUCCEEDED:
            self._lay_down(services, job, name)
            path.replace(self._free(_DONE, name))
        elif job.state.is_final:
            self._set_aside(path, name, job.error or "The job was cancelled.")

    def _new_files(self) -> Iterator[Path]:
        settled = time.time() - SETTLED_AFTER_S
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
                continue
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            is_short = len(path.name.encode()) <= _LONGEST_NAME_BYTES  # there is room for an id before it
            if stat.S_ISREG(found.st_mode) and found.st_mtime < settled and is_short:
                yield path

    def _submit(self, services: Services, order: BatchOrder, schedule: str, path: Path) -> Job:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as content:
            found = os.fstat(content.fileno())
            name = f"{schedule} {path.name} {found.st_mtime_ns} {found.st_size}"
            keyed = BatchOrder(
                owner=order.owner, task=order.task, model=order.model, version=order.version, format=order.format,
                strict=order.strict, idempotency_key=f"inbox-{hashlib.sha256(name.encode()).hexdigest()}",
            )  # fmt: skip
            job = submit(services, keyed, Upload(path.name, chunks_of(content)))
        # A crash before the next line leaves the file where it was; its job is found again by its key.
        path.replace(self._folder / _TAKEN / f"{job.id} {path.name}")
        return job

    def _lay_down(self, services: Services, job: Job, name: str) -> None:
        if job.result_file is None:
            return
        ending = Path(services.files.get(job.result_file).name).suffix
        draft = self._folder / _RESULTS / f".{job.id}.{os.getpid()}.part"
        with services.files.open(job.result_file) as content, draft.open("wb") as out:
            shutil.copyfileobj(content, out, 2**20)
        draft.replace(self._folder / _RESULTS / f"{Path(name).stem}-predictions-{job.id[-6:]}{ending}")

    def _set_aside(self, path: Path, name: str, reason: str) -> None:
        target = self._free(_FAILED, name)
        path.replace(target)
        os.utime(target)  # mended and put back it is another file, and gets a job of its own
        target.with_name(f"{target.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")

    def _free(self, folder: str, name: str) -> Path:
        """A name there that nothing has yet."""
        path, number = self._folder / folder / name, 2
        while path.exists():
            path, number = (
                self._folder / folder / f"{Path(name).stem} ({number}){Path(name).suffix}",
                number + 1,
            )
        return path


def _reason(refusal: InvalidInput) -> str:
    return "\n".join(fault.detail for fault in refusal.faults)
