"""Pages of jobs: filtered, searched, sorted, and as quick among a million as among ten.

What an index serves (whose, state, task) narrows first. Everything else is looked for among the newest of those, at
most `WINDOW` at a time: a page says where it ends when it ended there, and its cursor goes on from that job.
So no wish, however rare what it looks for, makes the database read all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import Job, JobState, Lane
from frontdesk.desk.rows import job_of
from frontdesk.errors import Fault, InvalidInput
from frontdesk.store.tables import files, job_files, jobs

WINDOW = 20_000
LONGEST_SEARCH = 100
_FIRST_LOOK = 500
_ID_LENGTH = 36
_CURSOR_MARK = "~"


class JobSort(StrEnum):
    """In which order jobs are listed. All but the first two order the newest `WINDOW` jobs among themselves."""

    NEWEST = "newest"
    OLDEST = "oldest"
    ENDED = "ended"  # the last to end first
    NAME = "name"
    LONGEST = "longest"  # by the time from start to end
    LARGEST = "largest"  # by rows


class JobFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs a page shows; None means any. `search` is a part of the name, upper or lower case, or an id."""

    state: JobState | None = None
    task: str | None = None
    kind: Lane | None = None
    archived: bool | None = None
    search: str | None = None


class Page(msgspec.Struct, frozen=True):
    """Some jobs, and the cursor of the next page.

    `is_partial` means that no more were found among the jobs looked at so far; the cursor goes on looking.
    """

    items: Sequence[Job]
    next: str | None
    is_partial: bool = False


_LENGTH = sa.type_coerce(jobs.c.finished_at, sa.BigInteger) - sa.type_coerce(jobs.c.started_at, sa.BigInteger)
_KEYS: dict[JobSort, sa.ColumnElement[Any]] = {
    JobSort.ENDED: sa.func.coalesce(sa.type_coerce(jobs.c.finished_at, sa.BigInteger), 0).desc(),
    JobSort.NAME: sa.func.lower(jobs.c.title).asc(),
    JobSort.LONGEST: sa.func.coalesce(_LENGTH, -1).desc(),
    JobSort.LARGEST: jobs.c.progress_total.desc(),
}


def page(
    connection: sa.Connection,
    owner: str | None,
    filters: JobFilters,
    limit: int,
    cursor: str | None,
    sort: JobSort = JobSort.NEWEST,
) -> Page:
    """A page of this owner's jobs (of everybody's, for None). Jobs that come meanwhile shift nothing on later pages."""
    if sort in _KEYS:
        return _sorted_page(connection, owner, filters, limit, cursor, sort)
    return _page_by_age(connection, owner, filters, limit, cursor, is_ascending=sort is JobSort.OLDEST)


def sizes(connection: sa.Connection, found: Sequence[Job]) -> dict[str, int]:
    """The bytes of the input files of these jobs, by file."""
    ids = [job.input_file for job in found if job.input_file]
    if not ids:
        return {}
    query = sa.select(files.c.id, files.c.size_bytes).where(files.c.id.in_(ids))
    return {row.id: row.size_bytes for row in connection.execute(query)}


def files_asked_with(connection: sa.Connection, job: Job) -> tuple[str, ...]:
    """The files a job was made from: all it holds but its result."""
    held = connection.execute(sa.select(job_files.c.file).where(job_files.c.job == job.id)).scalars()
    return tuple(sorted(file for file in held if file != job.result_file))


def _page_by_age(
    connection: sa.Connection,
    owner: str | None,
    filters: JobFilters,
    limit: int,
    cursor: str | None,
    *,
    is_ascending: bool,
) -> Page:
    if cursor is not None:
        _check_id(cursor)
    order = jobs.c.id.asc() if is_ascending else jobs.c.id.desc()
    narrowed = sa.select(jobs.c.id).where(*_indexed(owner, filters)).order_by(order)
    if cursor is not None:
        narrowed = narrowed.where(jobs.c.id > cursor if is_ascending else jobs.c.id < cursor)
    # Nearly always the first few hundred fill a page; the long look is for what is rare.
    for window in (max(_FIRST_LOOK, limit + 1), WINDOW):
        looked_at = narrowed.limit(window).subquery()
        query = sa.select(jobs).where(*_others(filters)).order_by(order).limit(limit + 1)
        rows = connection.execute(query.join(looked_at, looked_at.c.id == jobs.c.id)).mappings()
        found = [job_of(row) for row in rows]
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].id)
        last = connection.execute(narrowed.offset(window - 1).limit(1)).scalar()
        if last is None:
            return Page(found, None)
    return Page(found, last, is_partial=True)


def _sorted_page(
    connection: sa.Connection,
    owner: str | None,
    filters: JobFilters,
    limit: int,
    cursor: str | None,
    sort: JobSort,
) -> Page:
    newest, skipped = _sorted_cursor(cursor)
    narrowed = sa.select(jobs.c.id).where(*_indexed(owner, filters)).order_by(jobs.c.id.desc()).limit(WINDOW)
    if newest:
        narrowed = narrowed.where(jobs.c.id <= newest)
    else:
        newest = connection.execute(narrowed.limit(1)).scalar() or ""
    looked_at = narrowed.subquery()
    ids = (
        sa.select(jobs.c.id)
        .join(looked_at, looked_at.c.id == jobs.c.id)
        .where(*_others(filters))
        .order_by(_KEYS[sort], jobs.c.id.desc())
        .offset(skipped)
        .limit(limit + 1)
    )
    wanted = list(connection.execute(ids).scalars())
    rows = connection.execute(sa.select(jobs).where(jobs.c.id.in_(wanted[:limit]))).mappings()
    by_id = {row["id"]: job_of(row) for row in rows}
    more = f"{newest}{_CURSOR_MARK}{skipped + limit}" if len(wanted) > limit else None
    return Page([by_id[job_id] for job_id in wanted[:limit] if job_id in by_id], more)


def _indexed(owner: str | None, filters: JobFilters) -> list[sa.ColumnElement[bool]]:
    """The conditions that go with an index: whose, and at most one more."""
    narrowest = _narrowest(filters)
    return [
        *([] if owner is None else [jobs.c.owner == owner]),
        *([] if narrowest is None else [jobs.c[narrowest] == _wanted(filters)[narrowest]]),
    ]


def _narrowest(filters: JobFilters) -> str | None:
    wanted = _wanted(filters)
    return next((name for name in ("id", "state", "task") if name in wanted), None)


def _wanted(filters: JobFilters) -> dict[str, Any]:
    """What columns must be equal to."""
    wanted = {name: getattr(filters, name) for name in ("state", "task", "kind", "archived")}
    wanted["id"] = filters.search if filters.search is not None and _is_id(filters.search) else None
    return {name: value for name, value in wanted.items() if value is not None}


def _others(filters: JobFilters) -> list[sa.ColumnElement[bool]]:
    """The conditions that do not."""
    # The database shall not be tempted to begin with one of these, whose index would lead it through all rows.
    wanted, narrowest = _wanted(filters), _narrowest(filters)
    conditions: list[sa.ColumnElement[bool]] = [
        sa.func.coalesce(jobs.c[name], None) == value for name, value in wanted.items() if name != narrowest
    ]
    if filters.search is not None and "id" not in wanted:
        text = filters.search[:LONGEST_SEARCH].lower()
        conditions.append(
            sa.or_(
                sa.func.lower(jobs.c.title).contains(text, autoescape=True),
                sa.func.lower(jobs.c.task).contains(text, autoescape=True),
            )
        )
    return conditions


def _sorted_cursor(cursor: str | None) -> tuple[str, int]:
    """The newest job the first page knew of, and how many were shown since."""
    if cursor is None:
        return "", 0
    newest, _, skipped = cursor.partition(_CURSOR_MARK)
    _check_id(newest)
    if not skipped.isdecimal() or int(skipped) > WINDOW:
        raise _no_cursor()
    return newest, int(skipped)


def _is_id(text: str) -> bool:
    return len(text) == _ID_LENGTH and text.count("-") == 4


def _check_id(text: str) -> None:
    if len(text) != _ID_LENGTH:
        raise _no_cursor()


def _no_cursor() -> InvalidInput:
    return InvalidInput.of([Fault("/cursor", "This is no cursor of a page of jobs.")])
