"""A file in pieces, as Ray Data carries them: rows in Arrow's own format, in one cell of a table.

Within a cell a piece is nothing but bytes to Ray: no piece is cut or joined with another, and columns may be text here
and numbers there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from frontdesk.run.batch_rows import pieces_of
from frontdesk.store.sheets.reading import open_sheet
from frontdesk.store.sheets.rows import Rows

PIECE = "piece"
_FAULTS = b"faults"
_PIECES = 64  # of a file at least: so a lost node costs at most that part of it
_FEWEST_ROWS, _MOST_ROWS = 16, 4096


def read_pieces(sheet: str, answered: int, total: int) -> Iterator[pa.Table]:
    """The rows that are not answered yet, a table of one cell for each piece."""
    size = max(_FEWEST_ROWS, min(total // _PIECES, _MOST_ROWS))
    for rows in pieces_of(open_sheet(Path(sheet)), answered, lambda: size):
        yield pa.table({PIECE: pa.array([_piece(rows)], pa.large_binary())})


def _piece(rows: Rows) -> bytes:
    faults = msgspec.msgpack.encode(dict(rows.faults))
    schema = rows.batch.schema.with_metadata({_FAULTS: faults})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(rows.batch)
    return bytes(sink.getvalue())


def rows_in(piece: bytes) -> Rows:
    """The rows of a piece."""
    with pa.ipc.open_stream(piece) as reader:
        faults = (reader.schema.metadata or {}).get(_FAULTS, b"\x80")
        batch = reader.read_next_batch()
    return Rows(batch, msgspec.msgpack.decode(faults, type=dict[int, str]))
