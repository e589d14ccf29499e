"""In the host: from a source on disk to a loaded model, or to a trained version of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk.catalog.loading import load_models, python_file
from frontdesk.declare.model import Model, Version
from frontdesk.declare.reading import read_task_cards
from frontdesk.declare.remote import RemoteModel
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.declare.training import Printing, Run, plain_metrics
from frontdesk.errors import DeclarationError
from frontdesk.host.answering import Answering
from frontdesk.host.messages import HostReport, HostSpec
from frontdesk.host.ties import UNTIED, Ties

if TYPE_CHECKING:
    from frontdesk.catalog.learning import Learned


def load(spec: HostSpec, ties: Ties) -> Answering:
    """The model, loaded and ready to be asked. A remote one tells its `ties` how its back end is."""
    model, task, card = find_model(Path(spec.source), spec.task, spec.model, ties)
    model.load(_version(spec))
    return Answering(model, task.signature, max_batch=card.max_batch, pixel_limit=spec.pixel_limit)


def train(spec: HostSpec) -> HostReport:
    """Train with the default parameters into the version's folder."""
    model, task, card = find_model(Path(spec.source), spec.task, spec.model)
    parameters = {field.name: field.default for field in card.training}
    folder = Path(spec.version_folder)
    checkpoints = folder.parent / "checkpoints"
    for path in (folder, checkpoints):
        path.mkdir(exist_ok=True)
    from frontdesk.catalog.learning import Learned  # it takes NumPy, which most hosts do without

    listener = _Noting(Learned(task.signature.inputs))
    run = Run(folder, checkpoints, Path(spec.models_folder), listener=listener)
    metrics = plain_metrics(model.train(run, **parameters) or {})
    profile = listener.learned.encoded(None)
    return HostReport(event="trained", metrics=metrics, parameters=parameters, profile=profile)


class _Noting(Printing):
    """Prints what it hears, and notes what was learned from."""

    def __init__(self, learned: Learned) -> None:
        self.learned = learned

    def learned_from(self, inputs: Mapping[str, Any], answers: Any) -> None:
        """Look at it now: the author's code may change it afterwards."""
        self.learned.hear(inputs, answers)


def find_model(source: Path, task: str, model: str, ties: Ties = UNTIED) -> tuple[Model, TaskCard, ModelCard]:
    """An instance of a declared model, its task and its card."""
    for declared in load_models(source):
        if (declared.task, declared.name) == (task, model):
            (card,) = read_task_cards([declared], str(source), None)
            instance: Model = declared()
            if isinstance(instance, RemoteModel):
                # HTTP takes a while to import, and every other host starts without it.
                from frontdesk.host.remote import Remote

                instance = Remote(instance, card.signature, python_file(source).parent, ties)
            return instance, card, card.models[0]
    raise DeclarationError(
        f"{source} declares no model {model} of the task {task} any more.", "Restart frontdesk."
    )


def _version(spec: HostSpec) -> Version:
    return Version(
        spec.version, Path(spec.version_folder), Path(spec.models_folder), spec.metrics, spec.parameters
    )
