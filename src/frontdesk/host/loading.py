"""In the host: from a source on disk to a loaded model, or to a trained version of it."""

from __future__ import annotations

from pathlib import Path

from frontdesk.catalog.loading import load_models
from frontdesk.declare.model import Model, Run, Version
from frontdesk.declare.reading import read_task_cards
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.errors import DeclarationError
from frontdesk.host.answering import Answering
from frontdesk.host.messages import HostReport, HostSpec


def load(spec: HostSpec) -> Answering:
    """The model, loaded and ready to be asked."""
    model, task, card = _find(spec)
    model.load(_version(spec))
    return Answering(model, task.signature, card.max_batch)


def train(spec: HostSpec) -> HostReport:
    """Train with the default parameters into the version's folder."""
    model, _, card = _find(spec)
    parameters = {field.name: field.default for field in card.training}
    run = Run(Path(spec.version_folder), 0)
    metrics = model.train(run, **parameters)
    return HostReport(event="trained", metrics=dict(metrics or {}), parameters=parameters)


def _find(spec: HostSpec) -> tuple[Model, TaskCard, ModelCard]:
    classes = load_models(Path(spec.source))
    for declared in classes:
        for task in read_task_cards([declared], spec.source, None):
            card = task.model(spec.model)
            if task.name == spec.task and card is not None:
                return declared(), task, card
    raise DeclarationError(
        f"{spec.source} declares no model {spec.model} of the task {spec.task} any more.",
        "Restart frontdesk.",
    )


def _version(spec: HostSpec) -> Version:
    return Version(
        spec.version, Path(spec.version_folder), Path(spec.models_folder), spec.metrics, spec.parameters
    )
