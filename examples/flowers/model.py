"""Which iris is it? Two small neural nets, in Python and in JavaScript, trained in under a second when first asked."""

from __future__ import annotations

from typing import Annotated

import numpy as np

import frontdesk as fd

MEASUREMENTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
Length = Annotated[float, fd.Number(ge=0, le=10, step=0.1, unit="cm")]


class Flowers(fd.Model):
    """Names the species of an iris from four measurements of its flower."""

    task = "flowers"
    title = "Which iris is it?"
    trains_at_first_start = True


class Mlp(Flowers):
    """A net with one hidden layer, trained by scikit-learn."""

    title = "Neural net in Python"

    def train(
        self,
        run: fd.Run,
        hidden_units: Annotated[int, fd.Integer(ge=1, le=256, log=True)] = 10,
        epochs: Annotated[int, fd.Integer(ge=1, le=1000, log=True)] = 60,
        learning_rate: Annotated[float, fd.Number(ge=0.0001, le=1, log=True)] = 0.03,
        batch_size: Annotated[int, fd.Integer(ge=1, le=120)] = 15,
        test_fraction: Annotated[float, fd.Number(ge=0.1, le=0.5, step=0.05)] = 0.3,
        seed: Annotated[int, fd.Integer(ge=0, le=9999, help="The same seed gives the same flowers.")] = 0,
    ) -> fd.Metrics:
        """Learn from the 150 flowers of Fisher (1936), which come with scikit-learn, or from a CSV file like them."""
        from sklearn.metrics import confusion_matrix, log_loss
        from sklearn.model_selection import train_test_split
        from sklearn.neural_network import MLPClassifier

        flowers, species = known_flowers(run)
        names = sorted(set(species))
        seen, held_out, seen_species, held_out_species = train_test_split(
            flowers, species, test_size=test_fraction, stratify=species, random_state=seed
        )
        mean, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-9
        seen, held_out = (seen - mean) / spread, (held_out - mean) / spread
        net = MLPClassifier(
            [hidden_units], alpha=0.01, learning_rate_init=learning_rate,
            batch_size=min(batch_size, len(seen)), random_state=seed,
        )  # fmt: skip
        for epoch in range(1, epochs + 1):
            net.partial_fit(seen, seen_species, classes=names)
            run.report(
                epoch=epoch, loss=net.loss_, accuracy=net.score(seen, seen_species),
                val_loss=log_loss(held_out_species, net.predict_proba(held_out), labels=names),
                val_accuracy=net.score(held_out, held_out_species),
            )  # fmt: skip
            run.progress(epoch, epochs)
            if run.cancelled:
                break
        (w1, w2), (b1, b2) = net.coefs_, net.intercepts_
        if len(names) == 2:  # scikit-learn then has one output, for the second species
            w2, b2 = np.hstack([0 * w2, w2]), np.hstack([0 * b2, b2])
        np.savez(run.folder / "weights.npz", mean=mean, spread=spread, w1=w1, b1=b1, w2=w2, b2=b2,
                 species=names)  # fmt: skip
        counts = confusion_matrix(held_out_species, net.predict(held_out), labels=names).tolist()
        return {
            "accuracy": float(net.score(held_out, held_out_species)),
            "confusion": {"labels": names, "counts": counts},
        }

    def load(self, version: fd.Version) -> None:
        """Read plain arrays: nothing in them can run."""
        weights = np.load(version.folder / "weights.npz", allow_pickle=False)
        self.mean, self.spread, self.w1, self.b1, self.w2, self.b2 = (
            weights[name] for name in ("mean", "spread", "w1", "b1", "w2", "b2")
        )
        self.species = weights["species"].tolist()

    def predict(
        self,
        sepal_length: Length = 5.8,
        sepal_width: Length = 3.0,
        petal_length: Length = 4.3,
        petal_width: Length = 1.3,
    ) -> fd.Classification:
        """One flower."""
        return self.predict_batch([sepal_length], [sepal_width], [petal_length], [petal_width])[0]

    def predict_batch(
        self,
        sepal_length: list[float],
        sepal_width: list[float],
        petal_length: list[float],
        petal_width: list[float],
    ) -> list[fd.Classification]:
        """Many flowers at once."""
        flowers = np.column_stack([sepal_length, sepal_width, petal_length, petal_width])
        hidden = np.maximum((flowers - self.mean) / self.spread @ self.w1 + self.b1, 0)
        logits = hidden @ self.w2 + self.b2
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        return [fd.Classification(labels=self.species, scores=row) for row in scores.tolist()]


class Node(Flowers, fd.RemoteModel):
    """The same kind of net, which learns and answers in JavaScript."""

    title = "Neural net in JavaScript"
    command = ("node", "node/server.js")
    predict, train = Mlp.predict, Mlp.train

    def examples(self, run: fd.Run) -> dict[str, object]:
        """The flowers that the other one learns from, too."""
        flowers, species = known_flowers(run)
        return {"flowers": flowers.tolist(), "species": species.tolist()}


def known_flowers(run: fd.Run) -> tuple[np.ndarray, np.ndarray]:
    """Measurements and species: of the chosen CSV file, whose last column names the species, or of scikit-learn's."""
    if run.data is None:
        from sklearn.datasets import load_iris

        known = load_iris()
        flowers, species = (
            known.data,
            np.array([name.capitalize() for name in known.target_names])[known.target],
        )
    else:
        rows = np.genfromtxt(run.data.path, delimiter=",", dtype=str, skip_header=1)
        if rows.ndim != 2 or rows.shape[1] != 5:
            raise ValueError(f"{run.data.name} must have five columns: four measurements and the species.")
        flowers, species = rows[:, :4].astype(float), rows[:, 4]
    run.learned_from(dict(zip(MEASUREMENTS, flowers.T, strict=True)), species)
    return flowers, species
