"""From calls to answers, through the author's code."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from frontdesk.declare.faults import whole
from frontdesk.declare.model import Model
from frontdesk.declare.output_columns import joined, output_columns
from frontdesk.declare.outputs import encode_outputs, split_rows
from frontdesk.declare.signature import Signature
from frontdesk.declare.values import columns_to_python, to_python
from frontdesk.errors import FrontdeskError, InvalidInput, NoAnswer
from frontdesk.host.batching import WaitingCall
from frontdesk.host.messages import FRAME_LIMIT_BYTES, Answer, Failed, Refused, RowsAnswer

Outcome = Answer | Refused | Failed

_LARGEST_OUTPUTS_BYTES = FRAME_LIMIT_BYTES - 4096
_ROWS_PATIENCE_S = 0.25
"""How long a call of many rows keeps others waiting, where the model is asked row by row."""


class _Returned(NamedTuple):
    """What the author's code returned for one call, and the seconds it took (for all of its batch)."""

    value: Any
    seconds: float


class Answering:
    """A loaded model, and how it is asked. Never raises for what a call or the model did wrong."""

    def __init__(self, model: Model, signature: Signature, *, max_batch: int, pixel_limit: int) -> None:
        self._model, self._fields, self._outputs = model, signature.inputs, signature.outputs
        self._predict: Callable[..., Any] = model.predict
        self._predict_batch: Callable[..., Any] | None = getattr(model, "predict_batch", None)
        self._pixel_limit = pixel_limit
        # Without predict_batch a batch would only hold back the first answers until the last is there.
        self.max_batch = max_batch if self._predict_batch else 1

    def answer(self, batch: Sequence[WaitingCall]) -> list[Outcome]:
        """One outcome for each call, in order."""
        if batch[0].rows:
            return [self.answer_rows(call) for call in batch]
        outcomes: dict[int, Outcome] = {}
        asked: dict[int, dict[str, Any]] = {}
        for place, call in enumerate(batch):
            try:
                asked[place] = to_python(self._fields, call.inputs, self._pixel_limit)
            except Exception as error:  # noqa: BLE001
                outcomes[place] = _fault(call.key[1], error)
        try:
            returned = self._ask_together(list(asked.values())) if len(asked) > 1 else None
        except NoAnswer as error:  # to ask each alone would have them all wait in vain
            outcomes |= {place: _fault(batch[place].key[1], error) for place in asked}
            return [outcomes[place] for place in range(len(batch))]
        for row, (place, inputs) in enumerate(asked.items()):
            call_id = batch[place].key[1]
            outcomes[place] = (
                self._outcome(call_id, returned[row]) if returned else self._ask_alone(call_id, inputs)
            )
        return [outcomes[place] for place in range(len(batch))]

    def answer_rows(self, call: WaitingCall) -> Outcome:
        """One outcome for a call of many rows. A row that spoils it for all is found and named."""
        began = time.perf_counter()
        try:
            columns = columns_to_python(self._fields, call.inputs, call.rows)
            answered = self._all_rows(columns, call.rows) or self._row_by_row(columns, call.rows)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return _fault(call.key[1], error)
        outputs = msgspec.msgpack.encode(answered)
        if len(outputs) > _LARGEST_OUTPUTS_BYTES:
            return Failed(
                call.key[1], f"The answers, {len(outputs) >> 20} MB of them, are too large to send."
            )
        return Answer(call.key[1], outputs, time.perf_counter() - began)

    def _all_rows(self, columns: dict[str, list[Any]], count: int) -> RowsAnswer | None:
        """What predict_batch returns for all of them; None when there is none, or when it cannot."""
        if self._predict_batch is None:
            return None
        try:
            return RowsAnswer(output_columns(self._outputs, self._predict_batch(**columns), count), {}, count)
        except NoAnswer:
            raise
        except (Exception, SystemExit):  # noqa: BLE001
            return None

    def _row_by_row(self, columns: dict[str, list[Any]], count: int) -> RowsAnswer:
        """As many rows as there is time for, at least one."""
        answers: list[dict[str, Any]] = []
        faults: dict[int, str] = {}
        ends_at = time.perf_counter() + _ROWS_PATIENCE_S
        for place in range(count):
            inputs = {name: values[place] for name, values in columns.items()}
            answers.append({})
            try:
                answer = self._batch([inputs])[0] if self._predict_batch else self._predict(**inputs)
                cells = output_columns(self._outputs, [answer], 1)
                answers[place] = {name: column[0] for name, column in cells.items()}
            except NoAnswer:
                raise
            except InvalidInput as refusal:
                faults[place] = "; ".join(fault.detail for fault in refusal.faults)
            except (Exception, SystemExit) as error:  # noqa: BLE001
                if not faults:  # one is enough to see what is wrong; a million would fill the log
                    traceback.print_exception(error)
                faults[place] = sentence(error)
            if time.perf_counter() > ends_at:
                break
        return RowsAnswer(joined(answers), faults, len(answers))

    def _ask_together(self, rows: list[dict[str, Any]]) -> list[_Returned] | None:
        """What predict_batch returns for each row; None when there is none, or when it cannot."""
        if self._predict_batch is None:
            return None
        began = time.perf_counter()
        try:
            returned = self._batch(rows)
        except NoAnswer:
            raise
        except (Exception, SystemExit):  # noqa: BLE001
            # One of them spoils it for all. Each is asked alone, and then it is known which.
            return None
        seconds = time.perf_counter() - began
        return [_Returned(value, seconds) for value in returned]

    def _ask_alone(self, call_id: int, inputs: dict[str, Any]) -> Outcome:
        began = time.perf_counter()
        try:
            value = self._batch([inputs])[0] if self._predict_batch else self._predict(**inputs)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return _fault(call_id, error)
        return self._outcome(call_id, _Returned(value, time.perf_counter() - began))

    def _batch(self, rows: list[dict[str, Any]]) -> list[Any]:
        assert self._predict_batch is not None
        columns = {field.name: [row[field.name] for row in rows] for field in self._fields}
        return split_rows(self._outputs, self._predict_batch(**columns), len(rows))

    def _outcome(self, call_id: int, returned: _Returned) -> Outcome:
        try:
            outputs = encode_outputs(self._outputs, returned.value)
        except Exception as error:  # noqa: BLE001
            return _fault(call_id, error)
        if len(outputs) > _LARGEST_OUTPUTS_BYTES:
            return Failed(call_id, f"The model's answer of {len(outputs) >> 20} MB is too large to send.")
        return Answer(call_id, outputs, returned.seconds)


def _fault(call_id: int, error: BaseException) -> Outcome:
    if isinstance(error, InvalidInput):
        return Refused(call_id, tuple((whole(fault.pointer), whole(fault.detail)) for fault in error.faults))
    if isinstance(error, NoAnswer):
        return Failed(call_id, whole(str(error)), error.retry_after_s)
    traceback.print_exception(error)
    return Failed(call_id, sentence(error))


def sentence(error: BaseException) -> str:
    """What is told of an error; the traceback is in the host's log."""
    if isinstance(error, FrontdeskError):
        return whole(str(error))
    return whole(f"{type(error).__name__}: {error}") if str(error) else type(error).__name__
