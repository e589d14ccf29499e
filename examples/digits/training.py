"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998) in PyTorch, and its training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from data import Digits
from torch import Tensor, nn

import frontdesk as fd

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
# Each optimizer with the rate it does well with at 32 pictures a step.
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], float, dict[str, Any]]] = {
    "adam": (torch.optim.Adam, 0.003, {"fused": True}),
    "adamw": (torch.optim.AdamW, 0.003, {"fused": True}),
    "adagrad": (torch.optim.Adagrad, 0.02, {"fused": True}),
    "nadam": (torch.optim.NAdam, 0.002, {}),
    "radam": (torch.optim.RAdam, 0.002, {}),
    "adadelta": (torch.optim.Adadelta, 1.0, {}),
    "adamax": (torch.optim.Adamax, 0.004, {}),
    "rmsprop": (torch.optim.RMSprop, 0.001, {}),
    "sgd": (torch.optim.SGD, 0.05, {"momentum": 0.9, "nesterov": True, "fused": True}),
}
SHRINK, SHRINK_PICTURES = 0.4, 55_000  # what the rate is multiplied by in the course of so many pictures
LEAST = 0.05  # the part of it that always remains
REPORT_EVERY = 20  # steps
EVALUATED_AT_ONCE = 2000


def lenet5(activation: str) -> nn.Sequential:
    """From (n, 1, 28, 28), 0 to 1, to ten logits."""
    active = ACTIVATIONS[activation]
    network = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding="same"), active(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), active(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), active(), nn.Flatten(),
        nn.Linear(120, 84), active(),
        nn.Linear(84, 10),
    )  # fmt: skip
    for layer in network:
        if isinstance(
            layer, nn.Conv2d | nn.Linear
        ):  # so that no layer makes more or less of its input (He, 2015)
            nn.init.kaiming_normal_(layer.weight, nonlinearity=activation)
            nn.init.zeros_(layer.bias)
    return network


class Training:
    """One training: epochs until the validation loss has not fallen for `patience` of them, best weights kept."""

    def __init__(
        self, digits: Digits, *, activation: str, optimizer: str, batch_size: int, learning_rate: float,
        patience: int, seed: int,
    ) -> None:  # fmt: skip
        torch.manual_seed(seed)
        order = np.random.default_rng(seed).permutation(len(digits.pictures))
        held_back = max(len(order) // 12, 100)
        self.validation = tensors(digits.pictures[order[:held_back]], digits.digits[order[:held_back]])
        self.seen = tensors(digits.pictures[order[held_back:]], digits.digits[order[held_back:]])
        self.network = lenet5(activation).to(memory_format=torch.channels_last)
        kind, rate, options = OPTIMIZERS[optimizer]
        # Larger batches are less noisy and bear larger steps (Krizhevsky, 2014).
        self.rate = learning_rate or rate * (batch_size / 32) ** 0.5
        self.optimizer = kind(self.network.parameters(), lr=self.rate, **options)
        self.batch_size, self.patience = batch_size, patience
        self.epoch, self.best_epoch, self.best_loss = 0, 0, float("inf")
        self.best = copy.deepcopy(self.network.state_dict())

    @property
    def is_over(self) -> bool:
        """Whether nothing better has come for so long that it is not expected."""
        return self.epoch - self.best_epoch >= self.patience

    def run_epoch(self, run: fd.Run) -> None:
        """All pictures once, in a new order; then the validation."""
        before = self.epoch * len(self.seen[1]) / SHRINK_PICTURES
        self.epoch += 1
        self.network.train()
        steps = -(-len(self.seen[1]) // self.batch_size)
        for step, (pictures, numbers) in enumerate(self._batches(), start=1):
            seen = before + step * self.batch_size / SHRINK_PICTURES
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * max(SHRINK**seen, LEAST)
            self.optimizer.zero_grad(set_to_none=True)
            logits = self.network(pictures)
            loss = nn.functional.cross_entropy(logits, numbers)
            loss.backward()
            self.optimizer.step()
            if step % REPORT_EVERY == 0 or step == steps:
                if run.cancelled:
                    return
                right = (logits.argmax(dim=1) == numbers).float().mean()
                run.report(epoch=self.epoch - 1 + step / steps, loss=loss.item(), accuracy=right.item())
        loss_now, accuracy = self.measure(*self.validation)
        run.report(epoch=self.epoch, val_loss=loss_now, val_accuracy=accuracy)
        if loss_now < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, loss_now
            self.best = copy.deepcopy(self.network.state_dict())

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        pictures, numbers = self.seen
        for chosen in torch.randperm(len(numbers)).split(self.batch_size):
            yield pictures[chosen], numbers[chosen]

    @torch.no_grad()
    def measure(self, pictures: Tensor, numbers: Tensor) -> tuple[float, float]:
        """Loss and accuracy."""
        self.network.eval()
        logits = torch.cat([self.network(part) for part in pictures.split(EVALUATED_AT_ONCE)])
        loss = nn.functional.cross_entropy(logits, numbers)
        return loss.item(), (logits.argmax(dim=1) == numbers).float().mean().item()

    def restore_best(self) -> None:
        """Go back to the weights of the best epoch."""
        self.network.load_state_dict(self.best)

    # ---------------------------------------------------------------------- checkpoints

    def save(self, path: Path) -> None:
        """Write all that the next epoch depends on; the old checkpoint stays until the new one is whole."""
        draft = path.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "best": self.best,
                "epoch": self.epoch, "best_epoch": self.best_epoch, "best_loss": self.best_loss,
                "random": torch.get_rng_state(),
            },
            draft,
        )  # fmt: skip
        draft.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.best, self.epoch = saved["best"], saved["epoch"]
        self.best_epoch, self.best_loss = saved["best_epoch"], saved["best_loss"]
        torch.set_rng_state(saved["random"])

    def export(self, path: Path) -> None:
        """Write the network with a softmax behind it, for any number of pictures."""
        whole = nn.Sequential(self.network, nn.Softmax(dim=1)).eval()
        program = torch.onnx.export(
            whole, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("n")},), input_names=["pictures"], output_names=["scores"],
        )  # fmt: skip
        assert program is not None
        program.save(path)


def tensors(pictures: np.ndarray, digits: np.ndarray) -> tuple[Tensor, Tensor]:
    """Pictures 0 to 1 in one channel, and their digits."""
    scaled = torch.from_numpy(pictures[:, np.newaxis].astype(np.float32) / 255)
    return scaled.contiguous(memory_format=torch.channels_last), torch.from_numpy(digits.astype(np.int64))
