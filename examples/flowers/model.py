"""Which iris is it? A small neural net, trained in under a second when it is first served."""

from __future__ import annotations

from typing import Annotated

import numpy as np

import frontdesk as fd

Length = Annotated[float, fd.Number(ge=0, le=10, step=0.1, unit="cm")]


class Mlp(fd.Model):
    """Names the species of an iris from four measurements of its flower."""

    task = "flowers"
    title = "Which iris is it?"
    trains_at_first_start = True

    def train(self, run: fd.Run) -> fd.Metrics:
        """Learn from the 150 flowers of Fisher (1936), which come with scikit-learn."""
        from sklearn.datasets import load_iris
        from sklearn.model_selection import train_test_split
        from sklearn.neural_network import MLPClassifier

        flowers = load_iris()
        seen, held_out, species, true_species = train_test_split(
            flowers.data, flowers.target, test_size=0.3, stratify=flowers.target, random_state=run.seed
        )
        mean, spread = seen.mean(axis=0), seen.std(axis=0)
        net = MLPClassifier([10], solver="lbfgs", alpha=0.1, max_iter=500, random_state=run.seed)
        net.fit((seen - mean) / spread, species)
        (w1, w2), (b1, b2) = net.coefs_, net.intercepts_
        np.savez(run.folder / "weights.npz", mean=mean, spread=spread, w1=w1, b1=b1, w2=w2, b2=b2,
                 species=[name.capitalize() for name in flowers.target_names])  # fmt: skip
        return {"accuracy": float(net.score((held_out - mean) / spread, true_species))}

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
