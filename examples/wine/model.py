"""Which cultivar is this wine? Four models, one of which says how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import bayesian
import numpy as np
import skops.io
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import frontdesk as fd

# The three of Forina et al. (1986), in the order of scikit-learn's classes.
CULTIVARS = ["Barolo", "Grignolino", "Barbera"]


class _Wine(fd.Model):
    """Tells three Italian cultivars apart by thirteen measurements of the wine."""

    task = "wine"
    title = "Which cultivar is this wine?"
    trains_at_first_start = True

    def train(self, run: fd.Run) -> fd.Metrics:
        """Learn from two thirds of the 178 wines that come with scikit-learn; measure on the others."""
        wines = load_wine()
        seen, held_out, classes, true_classes = train_test_split(
            wines.data, wines.target, test_size=1 / 3, stratify=wines.target, random_state=run.seed
        )
        self.learn(run, seen, classes)
        scores = self.scores(held_out)
        if scores.ndim == 3:
            scores = scores.mean(axis=1)
        return {
            "accuracy": accuracy_score(true_classes, scores.argmax(axis=1)),
            "log_loss": log_loss(true_classes, scores),
        }

    def load(self, version: fd.Version) -> None:
        """Read what `learn` wrote."""
        self.read(version.folder)

    def predict(
        self,
        alcohol: Annotated[float, fd.Number(ge=10, le=16, step=0.01, unit="% vol")] = 13.05,
        malic_acid: Annotated[float, fd.Number(ge=0, le=7, step=0.01)] = 1.87,
        ash: Annotated[float, fd.Number(ge=1, le=4, step=0.01)] = 2.36,
        alcalinity_of_ash: Annotated[float, fd.Number(ge=8, le=35, step=0.1)] = 19.5,
        magnesium: Annotated[float, fd.Number(ge=50, le=200, step=1)] = 98,
        total_phenols: Annotated[float, fd.Number(ge=0, le=5, step=0.01)] = 2.36,
        flavanoids: Annotated[float, fd.Number(ge=0, le=6, step=0.01)] = 2.14,
        nonflavanoid_phenols: Annotated[float, fd.Number(ge=0, le=1, step=0.01)] = 0.34,
        proanthocyanins: Annotated[float, fd.Number(ge=0, le=5, step=0.01)] = 1.56,
        color_intensity: Annotated[float, fd.Number(ge=0, le=15, step=0.01)] = 4.69,
        hue: Annotated[float, fd.Number(ge=0, le=2, step=0.01)] = 0.97,
        od280: Annotated[float, fd.Number(ge=1, le=5, step=0.01, title="OD280/OD315 of diluted wine")] = 2.78,
        proline: Annotated[float, fd.Number(ge=200, le=2000, step=1)] = 674,
    ) -> fd.Classification:
        """One wine."""
        one = {name: [value] for name, value in locals().items() if name != "self"}
        return self.predict_batch(**one)[0]

    def predict_batch(self, **columns: list[float]) -> list[fd.Classification]:
        """Many wines. A model that draws gives (draws, cultivars) for each, the others one row of scores."""
        answers = self.scores(np.column_stack(list(columns.values())))
        kind = "samples" if answers.ndim == 3 else "scores"
        return [fd.Classification(labels=CULTIVARS, **{kind: answer.tolist()}) for answer in answers]


class Bayesian(_Wine):
    """A Bayesian neural network: 100 draws from its posterior by Hamiltonian Monte Carlo, one pass each.

    How far the passes lie apart is how unsure the network is.
    """

    title = "Bayesian neural network"

    def learn(self, run: fd.Run, wines: np.ndarray, classes: np.ndarray) -> None:
        mean, spread = wines.mean(axis=0), wines.std(axis=0)
        draws = bayesian.Posterior((wines - mean) / spread, classes).sample(run.seed)
        w1, b1, w2, b2 = (np.stack(layer) for layer in zip(*draws, strict=True))
        np.savez(run.folder / "draws.npz", mean=mean, spread=spread, w1=w1, b1=b1, w2=w2, b2=b2)
        self.read(run.folder)

    def read(self, folder: Path) -> None:
        found = np.load(folder / "draws.npz", allow_pickle=False)
        self.mean, self.spread = found["mean"], found["spread"]
        self.draws = [found[name] for name in ("w1", "b1", "w2", "b2")]

    def scores(self, wines: np.ndarray) -> np.ndarray:
        return bayesian.passes(self.draws, (wines - self.mean) / self.spread)


class _Fitted(_Wine):
    """A model of scikit-learn, kept by skops, which loads nothing but the types it is told to trust."""

    trusted: tuple[str, ...] = ()

    def learn(self, run: fd.Run, wines: np.ndarray, classes: np.ndarray) -> None:
        skops.io.dump(self.unfitted(run.seed).fit(wines, classes), run.folder / "model.skops")
        self.read(run.folder)

    def read(self, folder: Path) -> None:
        self.fitted = skops.io.load(folder / "model.skops", trusted=list(self.trusted))

    def scores(self, wines: np.ndarray) -> np.ndarray:
        return self.fitted.predict_proba(wines)


class Forest(_Fitted):
    """200 trees, each grown on a sample of the wines."""

    title = "Random forest"
    trusted = ("sklearn.tree._tree.Tree",)

    def unfitted(self, seed: int) -> Any:
        return RandomForestClassifier(200, random_state=seed)


class Tree(_Fitted):
    """One tree, small enough to be drawn."""

    title = "Decision tree"
    trusted = ("sklearn.tree._tree.Tree",)

    def unfitted(self, seed: int) -> Any:
        return DecisionTreeClassifier(min_samples_leaf=3, random_state=seed)


class Bayes(_Fitted):
    """Naive Bayes: a normal distribution for each measurement of each cultivar."""

    title = "Naive Bayes"

    def unfitted(self, seed: int) -> Any:
        return GaussianNB()
