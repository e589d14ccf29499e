"""The questions that were kept, as a data set: to take away, to learn from, or to delete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import sqlalchemy as sa

from frontdesk.declare.kinds import Boolean, Field, Integer, Kind, Number
from frontdesk.declare.output_kinds import SINGLE, Output, ValueOut, is_single
from frontdesk.declare.signature import TaskCard
from frontdesk.monitor.judging import takes_truth
from frontdesk.monitor.rows import Said, outputs_of
from frontdesk.monitor.sweeping import gone_of
from frontdesk.store.database import Database
from frontdesk.store.monitor_tables import feedback, predictions
from frontdesk.store.sheets.writing import Table

_ROWS_AT_ONCE = 1000

_TYPES: Mapping[type[Kind], pa.DataType] = {
    Number: pa.float64(), Integer: pa.int64(), Boolean: pa.bool_(),
}  # fmt: skip


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions are kept, and of how many of them the true answer is known."""

    rows: int
    true: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One kept question. `truth` is empty where nobody said it."""

    id: str
    at: str
    model: str
    version: int
    inputs: dict[str, Any]
    said: dict[str, Said]
    truth: dict[str, Any]


_values = msgspec.json.Decoder(dict[str, Any])


class Collected:
    """Synchronous."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self, task: str) -> Kept:
        """How many there are."""
        rows = sa.select(sa.func.count()).select_from(predictions).where(predictions.c.task == task)
        true = (
            sa.select(sa.func.count())
            .select_from(predictions)
            .join(feedback, feedback.c.prediction == predictions.c.id)
            .where(predictions.c.task == task, feedback.c.truth.is_not(None))
        )
        with self._database.read() as connection:
            return Kept(
                rows=connection.execute(rows).scalar_one(), true=connection.execute(true).scalar_one()
            )

    def rows(
        self, task: str, *, model: str | None = None, version: int | None = None, only_true: bool = False,
        limit: int | None = None,
    ) -> Iterator[list[Row]]:  # fmt: skip
        """The oldest first, some at a time: no more than that is in memory, and no transaction stays open."""
        conditions = [predictions.c.task == task]
        conditions += [] if model is None else [predictions.c.model == model]
        conditions += [] if version is None else [predictions.c.version == version]
        conditions += [feedback.c.truth.is_not(None)] if only_true else []
        columns = predictions.outerjoin(feedback, feedback.c.prediction == predictions.c.id)
        query = sa.select(predictions, feedback.c.truth).select_from(columns).where(*conditions)
        last, left = "", limit
        while left is None or left > 0:
            most = _ROWS_AT_ONCE if left is None else min(_ROWS_AT_ONCE, left)
            page = query.where(predictions.c.id > last).order_by(predictions.c.id).limit(most)
            with self._database.read() as connection:
                found = connection.execute(page).all()
            if not found:
                return
            yield [_row(row) for row in found]
            last, left = found[-1].id, None if left is None else left - len(found)

    def delete(self, task: str) -> int:
        """Delete every question of a task and what was said of the answers; counts stay. Gives how many went."""
        gone = 0
        for table, key in ((feedback, feedback.c.prediction), (predictions, predictions.c.id)):
            while True:
                with self._database.read() as connection:
                    query = sa.select(key).where(table.c.task == task).limit(_ROWS_AT_ONCE)
                    ids = connection.execute(query).scalars().all()
                if not ids:
                    break
                count = self._database.write(gone_of(sa.delete(table).where(key.in_(ids))))
                gone += count if table is predictions else 0
        return gone


def _row(row: sa.Row[Any]) -> Row:
    return Row(
        id=row.id,
        at=row.at.isoformat(timespec="milliseconds"),
        model=row.model,
        version=row.version,
        inputs=_values.decode(row.inputs),
        said=outputs_of(row.outputs),
        truth=_values.decode(row.truth) if row.truth else {},
    )


def everything(card: TaskCard, pages: Iterable[list[Row]], count: int) -> Table:
    """All that is kept: the inputs, what was answered, and the true answer in a column of its own where it is known."""
    fields, outputs = card.signature.inputs, card.signature.outputs
    columns: list[tuple[str, pa.DataType]] = [
        ("question", pa.string()), ("at", pa.string()), ("model", pa.string()), ("version", pa.int64()),
        *_input_columns(fields), *_answer_columns(outputs, "predicted"), *_answer_columns(outputs, "true"),
    ]  # fmt: skip

    def cells(row: Row) -> list[Any]:
        predicted = [
            _number_or_text(out, row.said[out.name].answer if out.name in row.said else None)
            for out in _told(outputs)
        ]
        true = [_number_or_text(out, row.truth.get(out.name)) for out in _told(outputs)]
        about = [_name_of(row), row.at, row.model, row.version]
        return [*about, *_input_cells(fields, row), *predicted, *true]

    return _table(columns, pages, cells, count)


def _name_of(row: Row) -> str:
    """Who has the id of an answer can tell which row it is; who has the row cannot see what the id opens: a ticket."""
    return hashlib.sha256(row.id.encode()).hexdigest()[:16]


def to_learn_from(card: TaskCard, pages: Iterable[list[Row]], count: int) -> Table:
    """What a training takes: the inputs, and the true answers as the last columns. Guesses are not in it."""
    fields, outputs = card.signature.inputs, card.signature.outputs
    columns = [*_input_columns(fields), *_answer_columns(outputs, "")]

    def cells(row: Row) -> list[Any] | None:
        true = [_number_or_text(out, row.truth.get(out.name)) for out in _told(outputs)]
        return None if None in true else [*_input_cells(fields, row), *true]

    return _table(columns, pages, cells, count)


def _told(outputs: tuple[Output, ...]) -> list[Output]:
    return [out for out in outputs if takes_truth(out)]


def _input_columns(fields: Sequence[Field]) -> list[tuple[str, pa.DataType]]:
    return [(field.name, _TYPES.get(type(field.kind), pa.string())) for field in fields]


def _answer_columns(outputs: tuple[Output, ...], ending: str) -> list[tuple[str, pa.DataType]]:
    names = {
        out.name: (ending or SINGLE) if is_single(outputs) else "_".join(filter(None, (out.name, ending)))
        for out in outputs
    }
    return [
        (names[out.name], pa.float64() if isinstance(out.kind, ValueOut) else pa.string())
        for out in _told(outputs)
    ]


def _input_cells(fields: Sequence[Field], row: Row) -> list[Any]:
    cells: list[Any] = []
    for field in fields:
        value = row.inputs.get(field.name)
        is_plain = value is None or isinstance(value, str) or type(field.kind) in _TYPES
        cells.append(value if is_plain else msgspec.json.encode(value).decode())
    return cells


def _number_or_text(out: Output, value: Any) -> Any:
    if value is None:
        return None
    return float(value) if isinstance(out.kind, ValueOut) else str(value)


def _table(
    columns: list[tuple[str, pa.DataType]], pages: Iterable[list[Row]], cells: Any, count: int
) -> Table:
    # Inputs may be called anything, `predicted` among it; columns inside go by their place.
    schema = pa.schema([(f"c{place}", kind) for place, (_, kind) in enumerate(columns)])

    def batches() -> Iterator[pa.RecordBatch]:
        for page in pages:
            rows = [told for told in map(cells, page) if told is not None]
            if rows:
                arrays = [
                    pa.array(column, kind)
                    for column, (_, kind) in zip(zip(*rows, strict=True), columns, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return Table(header=[name for name, _ in columns], schema=schema, batches=batches(), count=count)
