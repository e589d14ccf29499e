"""`fd.OnnxSession`: a network in an ONNX file, run by ONNX Runtime.

It takes care of what differs from file to file: the type of the numbers, the names of the tensors,
and how many rows the network takes at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frontdesk.catalog.import_faults import install_command
from frontdesk.errors import DeclarationError

Array = npt.NDArray[Any]

_TYPES = {
    "float16": np.float16,
    "float": np.float32,
    "double": np.float64,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "bool": np.bool_,
    "string": np.object_,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output as the file declares it. A dimension is None where the file leaves it open.

    `type` is None for what is no tensor of a known type, such as a sequence of maps.
    """

    name: str
    type: np.dtype[Any] | None
    shape: tuple[int | None, ...]
    declared: str

    @property
    def rank(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)


class OnnxSession:
    """A loaded network. `threads` is how many work on one call; by default half of the processors, four at most."""

    def __init__(self, path: str | Path, *, threads: int | None = None, optimized: bool = True) -> None:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or _default_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors: what it warns of cannot be mended by whoever runs the file
        # A thread that waits must not keep a processor busy that another host could use.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not optimized:
            options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            if not Path(path).is_file():
                raise FileNotFoundError(f"There is no file {path}.") from None
            raise DeclarationError(
                f"{path} could not be read as an ONNX network: {error}", "Check the file."
            ) from error
        self.inputs = tuple(_tensor(node) for node in self._session.get_inputs())
        self.outputs = tuple(_tensor(node) for node in self._session.get_outputs())
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        # How many rows it takes at once: fixed by the file, learnt when a larger batch fails, or 0 for any number.
        self._rows = next((t.shape[0] or 0 for t in self.inputs if t.rank > 1), 0)

    def run(self, array: npt.ArrayLike) -> Array:
        """The first output for rows of the first input, however many rows the network takes at once."""
        returned = self.run_all({self.inputs[0].name: array})
        return np.asarray(returned[self.outputs[0].name])

    def run_all(self, feeds: Mapping[str, npt.ArrayLike]) -> dict[str, Any]:
        """Every output by name, for rows of every input by name."""
        given = {
            tensor.name: np.asarray(feeds[tensor.name], dtype=tensor.type)
            for tensor in self.inputs
            if tensor.name in feeds
        }
        count = max((len(array) for array in given.values() if array.ndim), default=1)
        if not count:
            raise ValueError("There are no rows to run the network on.")
        if not self._rows or self._rows == count:
            try:
                returned = self._session.run(None, given)
                if count == 1 or all(_has_rows(value, count) for value in returned):
                    return dict(zip(self._names, returned, strict=True))
            except Exception:
                if count == 1 or self._rows:
                    raise
        # The file says that it takes any number of rows, and yet it does not; or it says how many.
        answers = self._in_parts(given, count, self._rows or 1)
        self._rows = self._rows or 1
        return answers

    @property
    def _names(self) -> list[str]:
        return [tensor.name for tensor in self.outputs]

    def _in_parts(self, given: Mapping[str, Array], count: int, size: int) -> dict[str, Any]:
        parts = [self._session.run(None, part) for part in _parts(given, count, size)]
        columns = zip(*parts, strict=True)
        return {name: _joined(column, count, size) for name, column in zip(self._names, columns, strict=True)}


def _parts(given: Mapping[str, Array], count: int, size: int) -> Iterator[dict[str, Array]]:
    """Cut the rows into parts of the size the network takes; the last one is filled up with its last row."""
    for start in range(0, count, size):
        rows = np.minimum(np.arange(start, start + size), count - 1)
        # What has another length belongs to no row, such as a threshold beside a batch of pictures.
        yield {
            name: array[rows] if array.ndim and len(array) == count else array
            for name, array in given.items()
        }


def _joined(values: tuple[Any, ...], count: int, size: int) -> Any:
    if isinstance(values[0], list):  # a map for each row
        return [row for value in values for row in value][:count]
    if np.ndim(values[0]) and len(values[0]) == size:
        return np.concatenate(values)[:count]
    if len({np.shape(value) for value in values}) == 1:
        return np.stack(values)[:count]
    return list(values)


def _has_rows(value: Any, count: int) -> bool:
    return isinstance(value, list) or (np.ndim(value) > 0 and len(value) == count)


def _tensor(node: Any) -> Tensor:
    declared = str(node.type)
    inner = declared.removeprefix("tensor(").removesuffix(")") if declared.startswith("tensor(") else ""
    kind = _TYPES.get(inner)
    shape = tuple(d if isinstance(d, int) and d > 0 else None for d in node.shape or ())
    return Tensor(node.name, None if kind is None else np.dtype(kind), shape, declared)


def _default_threads() -> int:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, processors // 2))


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise DeclarationError(
            "ONNX Runtime is not installed.", f"Install it: {install_command('frontdesk[onnx]')}."
        ) from None
    return onnxruntime
