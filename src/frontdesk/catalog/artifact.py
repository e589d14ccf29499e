"""A model made of an ONNX file alone: what its form asks and how its answer is shown come from the file."""

from __future__ import annotations

import contextlib
import inspect
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from frontdesk.catalog.artifact_inputs import InputPlan, plan_inputs
from frontdesk.catalog.artifact_notes import Notes
from frontdesk.catalog.artifact_outputs import OutputPlan, ScoresOutput, answer_type, plan_outputs
from frontdesk.catalog.onnx import OnnxSession
from frontdesk.declare.model import Model, Version
from frontdesk.errors import DeclarationError

_SAMPLES = 16
_FEWEST_SAMPLES = 3
_SAMPLING_S = 0.5
_LONGEST_NAME = 64


class _ArtifactModel(Model):
    """What models made of ONNX files share."""

    path: Path
    threads: int | None
    asked: Sequence[InputPlan]
    shown: Sequence[OutputPlan]
    members: Sequence[str]

    def load(self, version: Version) -> None:
        """Load the network, and try it, so that the first visitor does not wait for it to warm up."""
        self.session = OnnxSession(self.path, threads=self.threads)
        scores = [plan for plan in self.shown if isinstance(plan, ScoresOutput)]
        samples = self._samples()
        for plan in scores:
            plan.learn([np.ravel(sample[plan.tensor.name]).astype(np.float64) for sample in samples])

    def _samples(self) -> list[dict[str, Any]]:
        """What the network says to made-up inputs; nothing if it cannot bear them, as an index past a table's end."""
        numbers = np.random.default_rng(0)
        samples: list[dict[str, Any]] = []
        until = time.monotonic() + _SAMPLING_S
        with contextlib.suppress(Exception):
            while len(samples) < _FEWEST_SAMPLES or (len(samples) < _SAMPLES and time.monotonic() < until):
                feeds = {plan.tensor.name: plan.sample(numbers) for plan in self.asked}
                samples.append(self.session.run_all(feeds))
        return samples

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """One answer for each row of arguments."""
        if not all(plan.stacks for plan in self.asked):
            return [answer for row in rows for answer in self._run([row])]
        return self._run(rows)

    def _run(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        feeds = {}
        for plan in self.asked:
            tensors = [plan.row(row) for row in rows]
            feeds[plan.tensor.name] = np.concatenate(tensors) if len(tensors) > 1 else tensors[0]
        returned = self.session.run_all(feeds)
        columns = [_column(plan, returned[plan.tensor.name], len(rows)) for plan in self.shown]
        if not self.members:
            return columns[0]
        return [dict(zip(self.members, answers, strict=True)) for answers in zip(*columns, strict=True)]


def model_of_onnx(path: Path) -> type[Model]:
    """The model that this file is."""
    if not path.is_file():
        raise DeclarationError(f"There is no file {path}.", "Check the path.")
    network = OnnxSession(path, threads=1, optimized=False)
    notes = Notes(path, network.metadata)
    asked = plan_inputs(network.inputs, notes)
    shown = plan_outputs(network.outputs, network.inputs, notes)
    returns, members = answer_type(shown)
    parameters = [parameter for plan in asked for parameter in plan.parameters]
    name = _name(path.stem)
    title = notes.text("title") or re.sub(r"[_-]+", " ", path.stem)
    return type(
        "OnnxModel",
        (_ArtifactModel,),
        {
            "__doc__": _description(path, notes, asked),
            "task": _name(notes.text("task") or path.stem),
            "name": name,
            "title": title[:1].upper() + title[1:],
            "path": path,
            "threads": int(notes.number("threads", 0)) or None,
            "asked": asked,
            "shown": shown,
            "members": members,
            "predict": _predict(parameters, returns),
            "predict_batch": _predict_batch(parameters, returns),
        },
    )


def _predict(parameters: list[inspect.Parameter], returns: Any) -> Any:
    def predict(self: _ArtifactModel, **inputs: Any) -> Any:
        return self.predict_rows([inputs])[0]

    _declare(predict, parameters, returns)
    return predict


def _predict_batch(parameters: list[inspect.Parameter], returns: Any) -> Any:
    def predict_batch(self: _ArtifactModel, **columns: list[Any]) -> list[Any]:
        rows = zip(*columns.values(), strict=True)
        return self.predict_rows([dict(zip(columns, row, strict=True)) for row in rows])

    lists = [p.replace(annotation=list[Any], default=inspect.Parameter.empty) for p in parameters]
    _declare(predict_batch, lists, list[returns])
    return predict_batch


def _declare(function: Any, parameters: list[inspect.Parameter], returns: Any) -> None:
    """Give a function the signature that an author would have written."""
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    function.__signature__ = inspect.Signature([this, *parameters], return_annotation=returns)
    function.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returns}


def _description(path: Path, notes: Notes, asked: Sequence[InputPlan]) -> str:
    told = notes.text("description") or f"The network in {path.name}."
    return " ".join([told, *(plan.note for plan in asked if plan.note)])


def _name(text: str) -> str:
    """What may be part of an address."""
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower())[:_LONGEST_NAME].strip("_-") or "network"


def _column(plan: OutputPlan, value: Any, count: int) -> list[Any]:
    """The answers of all rows. A single row may come without a dimension for rows."""
    has_rows = isinstance(value, list) or (np.ndim(value) > 0 and len(value) == count)
    return [plan.answer(row) for row in (value if has_rows else [value])]
