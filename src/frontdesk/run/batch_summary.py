"""What a page shows of the result of a batch: its first rows, what was predicted how often, and how surely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from frontdesk.declare.output_columns import PREDICTION
from frontdesk.desk.batch import BatchSummary, Histogram
from frontdesk.run.chunks import Chunks
from frontdesk.store.sheets.rows import Sheet

_ROWS, _LABELS, _BINS, _STRETCHES = 10, 30, 24, 200
_CELL = 80
_SCORE = "score_"

Numbers = npt.NDArray[np.float64]


def summary_of(sheet: Sheet, chunks: Chunks, added: Sequence[str]) -> BatchSummary:
    """Read the chunks once or twice, in bounded memory."""
    schema = chunks.schema()
    kinds = dict(zip(schema.names, schema.types, strict=True))
    kind = kinds.get(PREDICTION)
    is_number = kind is not None and (pa.types.is_floating(kind) or pa.types.is_integer(kind))
    width, uncertainty_is = _uncertainty(chunks, schema)
    return BatchSummary(
        header=[*sheet.header, *added],
        rows=_first_rows(sheet, chunks, schema),
        labels={} if is_number or kind is None else _labels(chunks, schema),
        histogram=_histogram(chunks, schema) if is_number else None,
        uncertainty=width,
        uncertainty_is=uncertainty_is,
    )


def _first_rows(sheet: Sheet, chunks: Chunks, schema: pa.Schema) -> list[list[str]]:
    theirs = next(iter(sheet.rows())).batch.slice(0, _ROWS).to_pylist()
    ours = next(chunks.batches(schema)).slice(0, _ROWS).to_pylist()
    return [
        [_shown(cell) for row in pair for cell in row.values()] for pair in zip(theirs, ours, strict=False)
    ]


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return "" if cell is None else str(cell)[:_CELL]


def _labels(chunks: Chunks, schema: pa.Schema) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in chunks.batches(schema):
        for pair in pc.value_counts(batch.column(PREDICTION).drop_null()).to_pylist():
            counts[str(pair["values"])[:_CELL]] += pair["counts"]
        if len(counts) > 100 * _LABELS:  # no classes: every row says something of its own
            return {}
    return dict(counts.most_common(_LABELS))


def _histogram(chunks: Chunks, schema: pa.Schema) -> Histogram | None:
    ends = [pc.min_max(batch.column(PREDICTION)).as_py() for batch in chunks.batches(schema)]
    known = [end for end in ends if end["min"] is not None]
    if not known:
        return None
    low, high = float(min(end["min"] for end in known)), float(max(end["max"] for end in known))
    counts = np.zeros(_BINS, np.int64)
    for batch in chunks.batches(schema):
        values = _numbers(batch.column(PREDICTION))
        counts += np.histogram(values[~np.isnan(values)], _BINS, (low, high if high > low else low + 1))[0]
    return Histogram(low=low, high=high, counts=counts.tolist())


def _uncertainty(chunks: Chunks, schema: pa.Schema) -> tuple[list[float], str]:
    scores = [
        name for name in schema.names if name.startswith(_SCORE) and not name.endswith(("_low", "_high"))
    ]
    has_intervals = bool(scores) and all(f"{name}_low" in schema.names for name in scores)
    if not scores and f"{PREDICTION}_low" not in schema.names:
        return [], ""
    total = chunks.rows
    sums, counts = np.zeros(_STRETCHES), np.zeros(_STRETCHES)
    start = 0
    for batch in chunks.batches(schema):
        values = _widths(batch, scores, has_intervals)
        places = (np.arange(start, start + len(values)) * _STRETCHES) // max(total, 1)
        is_known = ~np.isnan(values)
        np.add.at(sums, places[is_known], values[is_known])
        np.add.at(counts, places[is_known], 1)
        start += len(values)
    some = counts > 0
    what = "width of the interval" if has_intervals or not scores else "distance of the best score from 1"
    return np.round(sums[some] / counts[some], 6).tolist(), what


def _widths(batch: pa.RecordBatch, scores: Sequence[str], has_intervals: bool) -> Numbers:
    if not scores:
        return _numbers(batch.column(f"{PREDICTION}_high")) - _numbers(batch.column(f"{PREDICTION}_low"))
    table = np.stack([_numbers(batch.column(name)) for name in scores])
    is_known = ~np.isnan(table).all(axis=0)
    widths = np.full(batch.num_rows, np.nan)
    if not has_intervals:
        widths[is_known] = 1 - np.nanmax(table[:, is_known], axis=0)
        return widths
    best = np.nanargmax(table[:, is_known], axis=0)
    high = np.stack([_numbers(batch.column(f"{name}_high")) for name in scores])[:, is_known]
    low = np.stack([_numbers(batch.column(f"{name}_low")) for name in scores])[:, is_known]
    columns = np.arange(best.size)
    widths[is_known] = high[best, columns] - low[best, columns]
    return widths


def _numbers(column: pa.Array) -> Numbers:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
