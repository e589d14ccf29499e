"""A small Bayesian neural network, and the draws from its posterior that make its predictions.

13 measurements, 8 tanh units, 3 classes; a Gaussian prior over every weight. The posterior is sampled by
Hamiltonian Monte Carlo (Neal, Bayesian Learning for Neural Networks, 1996), so that each draw is one set
of weights, and the answers of all draws together say how sure the network is.
"""

from __future__ import annotations

import numpy as np

HIDDEN = 8
DRAWS = 100
WARM_UP, APART, LEAPS = 500, 10, 20


class Posterior:
    """What is known of the weights once `measured` (rows, scaled to mean 0 and spread 1) and `classes` are seen."""

    def __init__(self, measured: np.ndarray, classes: np.ndarray) -> None:
        self.measured, self.is_class = measured, np.eye(classes.max() + 1)[classes]
        inputs, outputs = measured.shape[1], self.is_class.shape[1]
        self.shapes = [(inputs, HIDDEN), (HIDDEN,), (HIDDEN, outputs), (outputs,)]
        scales = [inputs**-0.5, 1.0, 1.5 * HIDDEN**-0.5, 1.0]
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.prior = np.concatenate([np.full(size, scale) for size, scale in zip(sizes, scales, strict=True)])
        self.cuts = np.cumsum(sizes)[:-1]

    def layers(self, weights: np.ndarray) -> list[np.ndarray]:
        """The flat vector of a draw as w1, b1, w2, b2."""
        parts = np.split(weights, self.cuts)
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def energy(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """The negative log posterior, but for a constant, and its gradient."""
        w1, b1, w2, b2 = self.layers(weights)
        hidden = np.tanh(self.measured @ w1 + b1)
        scores = softmax(hidden @ w2 + b2)
        likelihood = np.log((scores * self.is_class).sum(axis=1) + 1e-300).sum()
        slope = scores - self.is_class
        back = slope @ w2.T * (1 - hidden**2)
        gradient = [self.measured.T @ back, back.sum(axis=0), hidden.T @ slope, slope.sum(axis=0)]
        prior = weights / self.prior
        return 0.5 * prior @ prior - likelihood, np.concatenate(
            [g.ravel() for g in gradient]
        ) + prior / self.prior

    def sample(self, seed: int) -> list[list[np.ndarray]]:
        """The layers of DRAWS draws. The step is tuned while the chain warms up, towards two in three accepted."""
        random = np.random.default_rng(seed)
        weights = 0.1 * self.prior * random.normal(size=self.prior.size)
        energy, gradient = self.energy(weights)
        step, draws = 0.02, []
        for turn in range(WARM_UP + DRAWS * APART):
            momentum = random.normal(size=weights.size)
            before = energy + 0.5 * momentum @ momentum
            place, slope = weights, gradient
            for _ in range(LEAPS):
                momentum = momentum - 0.5 * step * slope
                place = place + step * momentum
                there, slope = self.energy(place)
                momentum = momentum - 0.5 * step * slope
            is_accepted = np.log(random.random()) < before - there - 0.5 * momentum @ momentum
            if is_accepted:
                weights, energy, gradient = place, there, slope
            if turn < WARM_UP:
                step *= 1.02 if is_accepted else 0.96
            elif turn % APART == 0:
                draws.append(self.layers(weights))
        return draws


def passes(draws: list[np.ndarray], measured: np.ndarray) -> np.ndarray:
    """One forward pass for each draw: an array of shape (rows, draws, classes). `draws` are stacked layers."""
    w1, b1, w2, b2 = draws
    hidden = np.tanh(measured @ w1 + b1[:, np.newaxis])
    return softmax(hidden @ w2 + b2[:, np.newaxis]).swapaxes(0, 1)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Scores that sum to one along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
