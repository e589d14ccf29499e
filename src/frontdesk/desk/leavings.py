"""Jobs and files that are past their time: who has them removed, and how much of it at once."""

from __future__ import annotations

import time
from functools import partial

from frontdesk.desk import pruning
from frontdesk.desk.limits import DeskLimits
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles

_SWEEP_FILES_EVERY_S, _SWEEP_FILES_AGAIN_S = 3600.0, 300.0
_PRUNE_FOR_S = 1.0
_MEASURING_RESTS = 50


class Leavings:
    """What old jobs left. One thread at a time may have it removed."""

    def __init__(self, database: Database, files: StoredFiles, limits: DeskLimits) -> None:
        self._database, self._files, self._limits = database, files, limits
        self._sweep_files_after = self._measure_after = 0.0

    def let_go(self) -> None:
        """Remove what is past its time: some of it, when there is much."""
        days, total_bytes = self._limits.retention_days, self._limits.retention_bytes
        if days:
            self._prune(pruning.jobs_older_than(days), pruning.remove_jobs)
            self._prune(pruning.uploads_older_than(days), pruning.remove_uploads)
        if total_bytes:
            self._make_room(total_bytes)
        if time.monotonic() > self._sweep_files_after:
            # A storage that is away takes a while to say so: expired leases are not to wait for that each time.
            self._sweep_files_after = time.monotonic() + _SWEEP_FILES_AGAIN_S
            self._files.sweep()
            self._sweep_files_after = time.monotonic() + _SWEEP_FILES_EVERY_S

    def _make_room(self, total_bytes: int) -> None:
        """What it costs to add up files and to measure rows decides how soon that is done again."""
        began = time.monotonic()
        if began > self._measure_after:
            try:
                self._prune(pruning.uploads_beyond(total_bytes), pruning.remove_uploads)
                self._prune(pruning.jobs_beyond(total_bytes), pruning.remove_jobs)
                self._prune(
                    pruning.jobs_beyond_rows(total_bytes, self._database.rows_bytes), pruning.remove_jobs
                )
            finally:  # what was too much for the database is not asked of it in each sweep
                self._measure_after = time.monotonic() + _MEASURING_RESTS * (time.monotonic() - began)

    def _prune(self, find_some: pruning.Find, remove: pruning.Remove) -> None:
        """Remove what is found, some at a time, for a moment at most: the next sweep goes on."""
        end = time.monotonic() + _PRUNE_FOR_S
        while time.monotonic() < end:
            with self._database.read() as connection:
                ids = find_some(connection)
            if not ids:
                return
            gone = self._database.write(partial(remove, ids=ids), durable=False)
            # The rows go first: a crash before the next line leaves files without rows, which the file store sweeps.
            self._files.discard(gone)
