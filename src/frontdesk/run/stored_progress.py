"""How far jobs are, where other machines find it: archives under the job's id, each named by what it holds.

    JOB/NAME~SIZE~SHA256.tar

The name tells what to expect inside, so no row is needed and a damaged or half-changed archive is never used. What is
here is only ever a shortcut: a job whose archives are lost, or come from a worker that is none any more, begins anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from frontdesk.errors import FileDamaged, NotFound, StoreUnavailable
from frontdesk.store.archives import packed, unpack
from frontdesk.store.blobs import Blobs, Label
from frontdesk.store.verified import Kept, Measure

log = logging.getLogger(__name__)

_ENDING = ".tar"
_SWEEP_EVERY_S = 3600.0


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """One archive."""

    key: str
    name: str
    kept: Kept


class StoredProgress:
    """Saves what jobs have so far, and finds it. No verb raises StoreUnavailable: then there is less, or nothing."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._sweep_after = 0.0

    def save(self, job_id: str, name: str, folder: Path, files: Iterable[Path]) -> bool:
        """Save these files of a folder under a name of this job; False if it cannot be, or they changed."""
        chosen = list(files)
        try:
            expected = Measure()
            for _ in expected.through(packed(folder, chosen)):
                pass
            known = expected.kept()
            key = f"{job_id}/{name}~{known.size_bytes}~{known.sha256}{_ENDING}"
            if self._blobs.put(key, packed(folder, chosen), Label(name=f"{name}{_ENDING}")) == known:
                return True
            self._blobs.remove([key])
        except StoreUnavailable as error:
            log.warning("how far job %s is could not be saved: %s", job_id, error)
        except OSError:  # a file was removed while it was read
            pass
        return False

    def found(self, job_id: str) -> list[Saved]:
        """What is saved of this job, by name."""
        try:
            keys = [key for page in self._blobs.old(f"{job_id}/", -_SWEEP_EVERY_S) for key in page]
        except StoreUnavailable as error:
            log.warning("how far job %s was could not be looked for: %s", job_id, error)
            return []
        return [saved for key in sorted(keys) if (saved := _read(key)) is not None]

    def fetch(self, saved: Saved, folder: Path) -> bool:
        """Unpack an archive into this folder, which is made; False where it is damaged or gone."""
        try:
            with self._blobs.open(saved.key, saved.kept, saved.key) as content:
                unpack(content, folder, saved.key)
        except (FileDamaged, NotFound, StoreUnavailable) as error:
            log.warning("what was saved of a job cannot be used: %s", error)
            return False
        return True

    def forget(self, saved: Iterable[Saved]) -> None:
        """Remove these."""
        try:
            self._blobs.remove(one.key for one in saved)
        except StoreUnavailable as error:
            log.warning("what was saved of a job is removed later: %s", error)

    def sweep(self, is_over: Callable[[str], bool]) -> None:
        """Remove what is saved of jobs that are over, at most once an hour."""
        if time.monotonic() < self._sweep_after:
            return
        self._sweep_after = time.monotonic() + _SWEEP_EVERY_S
        verdicts: dict[str, bool] = {}
        try:
            for page in self._blobs.old("", _SWEEP_EVERY_S):
                jobs = {key: key.partition("/")[0] for key in page}
                for job_id in {*jobs.values()} - verdicts.keys():
                    verdicts[job_id] = is_over(job_id)
                self._blobs.remove(key for key, job_id in jobs.items() if verdicts[job_id])
            self._blobs.remove_drafts(_SWEEP_EVERY_S)
        except StoreUnavailable as error:
            log.warning("what was saved of jobs that are over is removed later: %s", error)


def _read(key: str) -> Saved | None:
    name, _, rest = key.rpartition("/")[2].removesuffix(_ENDING).partition("~")
    size, _, sha256 = rest.partition("~")
    if not size.isdigit() or len(sha256) != 64:
        return None
    return Saved(key=key, name=name, kept=Kept(size_bytes=int(size), sha256=sha256))


def progress_in(blobs: Blobs | None) -> StoredProgress | None:
    """Where machines share storage, there."""
    return None if blobs is None else StoredProgress(blobs)
