"""Which digit is this? LeNet-5, trained from the page and asked by drawing."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypedDict

import numpy as np
from data import digits, from_csv, like_mnist
from PIL import Image

import frontdesk as fd


class Answer(TypedDict):
    """What the network says, and what it was shown."""

    digit: Annotated[fd.Classification, fd.ClassificationOut(top=10)]
    seen: Image.Image
    learned_from: str


class Lenet5(fd.Model):
    """Recognises a handwritten digit with LeNet-5, the network that read cheques."""

    task = "digits"
    title = "Which digit is this?"

    def train(
        self,
        run: fd.Run,
        activation: Literal["relu", "tanh", "sigmoid"] = "relu",
        optimizer: Literal[
            "adam", "adamw", "adagrad", "nadam", "radam", "adadelta", "adamax", "rmsprop", "sgd"
        ] = "adam",
        epochs: Annotated[int, fd.Integer(ge=1, le=200)] = 100,
        batch_size: Annotated[int, fd.Integer(ge=1, le=512)] = 32,
        learning_rate: Annotated[
            float, fd.Number(ge=0, le=1, help="0 takes what suits the optimizer.")
        ] = 0.0,
        patience: Annotated[
            int, fd.Integer(ge=1, le=50, help="Epochs without progress before it stops.")
        ] = 3,
        pictures: Annotated[int, fd.Integer(ge=0, help="Learn from this many only; 0 takes all.")] = 0,
    ) -> fd.Metrics:
        """Learn until the validation loss no longer falls; measure on pictures never seen."""
        try:  # PyTorch is needed to learn, not to answer
            from training import Training, tensors
        except ImportError as error:
            raise RuntimeError(
                f"Training needs PyTorch ({error}). Run: pip install 'frontdesk[torch]'"
            ) from None

        own = run.data
        known = from_csv(own.path, own.name, run.seed) if own else digits(run.models_folder)
        run.log(f"Learning from {known.source}.")
        training = Training(
            known.first(pictures), activation=activation, optimizer=optimizer, batch_size=batch_size,
            learning_rate=learning_rate, patience=patience, seed=run.seed,
        )  # fmt: skip
        checkpoint = run.checkpoints / "training.pt"
        if checkpoint.exists():
            training.resume(checkpoint)
            run.log(f"Going on after epoch {training.epoch}.")
        while training.epoch < epochs and not training.is_over and not run.cancelled:
            training.run_epoch(run)
            training.save(checkpoint)
            run.progress(training.epoch, epochs)
        training.restore_best()
        run.log(f"The best of {training.epoch} epochs was number {training.best_epoch}.")
        training.export(run.folder / "lenet5.onnx")
        (run.folder / "about.json").write_text(json.dumps({"learned_from": known.source}))
        loss, accuracy = training.measure(*tensors(known.test_pictures, known.test_digits))
        return {
            "accuracy": accuracy,
            "loss": loss,
            "epochs": training.epoch,
            "best_epoch": training.best_epoch,
        }

    def load(self, version: fd.Version) -> None:
        self.network = fd.OnnxSession(version.folder / "lenet5.onnx")
        self.learned_from = json.loads((version.folder / "about.json").read_text())["learned_from"]

    def predict(self, drawing: Annotated[np.ndarray, fd.Drawing(width=140, height=140)]) -> Answer:
        """One drawing."""
        seen = like_mnist(drawing)
        scores = self.network.run(seen[np.newaxis, np.newaxis].astype(np.float32) / 255)[0]
        return {
            "digit": fd.Classification(labels=[str(digit) for digit in range(10)], scores=scores),
            "seen": Image.fromarray(255 - seen),
            "learned_from": self.learned_from,
        }
