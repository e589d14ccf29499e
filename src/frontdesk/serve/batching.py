"""Taking in a batch file: its structure is checked before there is a job. Synchronous: call it in the thread pool."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import msgspec

from frontdesk.declare.columns import allowed, match, read_cell, takes_rows
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.desk.batch import BatchPayload
from frontdesk.desk.job import Job, Lane, NewJob
from frontdesk.errors import Conflict, Fault, InvalidInput, SheetFault
from frontdesk.serve.services import Services, stored_bytes_limit, waiting_limit
from frontdesk.serve.tickets import check_version
from frontdesk.store.files import StoredFile
from frontdesk.store.sheets.formats import SheetFormat
from frontdesk.store.sheets.reading import open_sheet
from frontdesk.store.sheets.rows import Rows, Sheet

_CHUNK_BYTES = 2**20
_ROWS_LOOKED_AT = 1000
_ROWS_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """How a file is to be answered row by row."""

    owner: str
    task: TaskCard
    model: ModelCard
    version: int | None = None
    format: SheetFormat = SheetFormat.XLSX
    strict: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sends."""

    name: str
    content: Iterable[bytes]


def check_task(card: TaskCard) -> None:
    """Refuse a task whose inputs cannot stand in cells."""
    if not takes_rows(card.signature):
        raise Conflict(
            "This task takes pictures or files, which cannot stand in the cells of a table. Ask it one by one."
        )


def submit(services: Services, order: BatchOrder, upload: Upload) -> Job:
    """Keep the file and make a job of it. Raises InvalidInput where it does not fit; then nothing is kept."""
    check_task(order.task)
    check_version(services, order.task.name, order.model, order.version)
    if services.gate is not None:
        services.gate.quotas.refuse_when_full(order.owner)
    limit = stored_bytes_limit(services, order.owner)
    stored = services.files.add(
        order.owner, upload.name, "application/octet-stream", upload.content, limit_bytes=limit
    )
    try:
        job = submit_stored(services, order, stored)
    except BaseException:
        services.files.remove(stored.id)
        raise
    if job.input_file != stored.id:
        services.files.remove(stored.id)  # the job there is already holds one of the same content
    return job


def submit_stored(services: Services, order: BatchOrder, stored: StoredFile) -> Job:
    """Make a job of a file that is kept already; or give the one that does the same. Raises InvalidInput."""
    check_task(order.task)
    check_version(services, order.task.name, order.model, order.version)
    try:
        with services.files.local(stored.id) as path:
            check_sheet(order.task, open_sheet(path))
    except SheetFault as fault:
        raise InvalidInput.of([Fault("/file", str(fault))]) from None
    payload = BatchPayload(format=order.format.value, strict=order.strict)
    alike = (order.task.name, order.model.name, order.version, stored.sha256, payload)
    return services.desk.submit(
        NewJob(
            owner=order.owner,
            kind=Lane.BATCH,
            task=order.task.name,
            model=order.model.name,
            version=order.version,
            payload=msgspec.json.encode(payload),
            title=stored.name,
            input_file=stored.id,
            fingerprint=hashlib.sha256(msgspec.json.encode(("batch", *alike))).hexdigest(),
            idempotency_key=order.idempotency_key,
            waiting_limit=waiting_limit(services, order.owner),
        )
    ).job


def check_sheet(card: TaskCard, sheet: Sheet) -> None:
    """Compare the header, and the first rows, with what the task takes. Raises InvalidInput that names every column."""
    fields = card.signature.inputs
    found = match(fields, sheet.header)
    by_name = {field.name: field for field in fields}
    faults = [
        Fault(f"/columns/{name}", f"This column is missing. It holds {allowed(by_name[name])}.")
        for name in found.missing
    ]
    faults += [
        Fault(f"/columns/{name}", f"There are several columns called {name!r}.") for name in found.duplicated
    ]
    if faults:
        extra = ", ".join(found.extra[:20])
        if found.missing and extra:
            faults.append(
                Fault("/columns", f"These columns feed no input, and would be carried along: {extra}.")
            )
        raise InvalidInput.of(faults)
    first = next(sheet.rows(), None)
    if first is None:
        raise InvalidInput.of([Fault("/file", "The file has a header and no rows.")])
    for name, place in found.places.items():
        if fault := _mistyped(name, card, first, place):
            faults.append(fault)
    if faults:
        raise InvalidInput.of(faults)


def _mistyped(name: str, card: TaskCard, rows: Rows, place: int) -> Fault | None:
    """A column in which not one of the first cells is what it should be. Single cells are the rows' own affair."""
    field = next(field for field in card.signature.inputs if field.name == name)
    cells = [
        "" if cell is None else str(cell)
        for cell in rows.batch.column(place).slice(0, _ROWS_LOOKED_AT).to_pylist()
    ]
    offending: list[str] = []
    for number, cell in enumerate(cells, start=1):
        try:
            read_cell(field, cell)
        except InvalidInput:
            offending.append(f"row {number}: {cell[:40]!r}")
        else:
            return None
    return Fault(
        f"/columns/{name}",
        f"No cell of this column holds what it should: {allowed(field)}. {'; '.join(offending[:_ROWS_NAMED])}.",
    )


def chunks_of(content: IO[bytes]) -> Iterator[bytes]:
    """All of a file, a mebibyte at a time."""
    return iter(lambda: content.read(_CHUNK_BYTES), b"")
