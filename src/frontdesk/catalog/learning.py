"""What a training learned from: as its author says, or else as the file says that was chosen for it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from frontdesk.catalog.profiles import Profile, encoded, profile
from frontdesk.declare.columns import match, read_cell
from frontdesk.declare.kinds import Field
from frontdesk.errors import InvalidInput, SheetFault
from frontdesk.store.ids import new_id

log = logging.getLogger(__name__)

_EXAMPLES_MOST = 20_000
_ROWS_MOST = 200_000


class Learned:
    """Hears what one training of a task with these inputs learned from."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = tuple(fields)
        self._profile: Profile | None = None

    def hear(self, inputs: Mapping[str, Any], answers: Any) -> None:
        """A column for each input. It is looked at now, for the author's code may change it afterwards."""
        unknown = [name for name in inputs if name not in {field.name for field in self._fields}]
        if unknown:
            known = ", ".join(field.name for field in self._fields)
            raise ValueError(
                f"learned_from was given {', '.join(map(str, unknown))}; the inputs are {known}."
            )
        columns = {name: _some(values) for name, values in inputs.items()}
        told = None if answers is None else _some(answers)
        self._profile = profile(self._fields, columns, told, profile_id=new_id(), source="training")

    def encoded(self, data: Path | None) -> bytes:
        """The profile as a version keeps it; of the chosen file where the author did not say. Empty: none is known."""
        if self._profile is None and data is not None:
            try:
                self._profile = self._of_file(data)
            except (
                SheetFault,
                OSError,
                ValueError,
            ) as error:  # a file may be anything, and the training is over
                log.warning("what the columns of %s hold is not compared later: %s", data.name, error)
        return b"" if self._profile is None else encoded(self._profile)

    def _of_file(self, path: Path) -> Profile | None:
        from frontdesk.store.sheets.reading import (
            open_sheet,
        )  # it takes Arrow, which most trainings do without

        sheet = open_sheet(path)
        found = match(self._fields, sheet.header)
        columns: dict[str, list[Any]] = {name: [] for name in found.places}
        by_name = {field.name: field for field in self._fields}
        left = _ROWS_MOST
        for rows in sheet.rows():
            for name, place in found.places.items():
                columns[name] += _cells(by_name[name], rows.batch.column(place).slice(0, left).to_pylist())
            left -= rows.batch.num_rows
            if left <= 0:
                break
        return profile(self._fields, columns, None, profile_id=new_id(), source="file")


def _some(values: Any) -> Sequence[Any]:
    """All of them, or of very many every so manieth."""
    step = max(-(-len(values) // _EXAMPLES_MOST), 1)
    return list(itertools.islice(iter(values), 0, None, step)) if step > 1 else list(values)


def _cells(field: Field, cells: Iterable[Any]) -> list[Any]:
    """What these cells hold; those that hold nothing this input could be are left out."""
    values: list[Any] = []
    for cell in cells:
        try:
            values.append(read_cell(field, "" if cell is None else str(cell)))
        except InvalidInput:
            continue
    return values
