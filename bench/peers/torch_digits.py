"""LeNet-5 on MNIST the usual way with PyTorch: a DataLoader and a loop. Prints one line of JSON."""

import json
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

path, seed, target, epochs, batch_size = (
    sys.argv[1],
    int(sys.argv[2]),
    float(sys.argv[3]),
    *map(int, sys.argv[4:]),
)
torch.manual_seed(seed)
with np.load(path) as mnist:
    pictures, test = (
        torch.from_numpy(mnist[name][:, np.newaxis].astype(np.float32) / 255)
        for name in ("x_train", "x_test")
    )
    numbers, test_numbers = (torch.from_numpy(mnist[name].astype(np.int64)) for name in ("y_train", "y_test"))
kept = len(numbers) // 12
seen = DataLoader(TensorDataset(pictures[:-kept], numbers[:-kept]), batch_size=batch_size, shuffle=True)
held_back = DataLoader(TensorDataset(pictures[-kept:], numbers[-kept:]), batch_size=batch_size)
network = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding="same"), nn.ReLU(), nn.AvgPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2),
    nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),
    nn.Linear(120, 84), nn.ReLU(),
    nn.Linear(84, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(network.parameters())
cost = nn.CrossEntropyLoss()


def run_epoch() -> None:
    """Train on all, as Keras does keeping count of loss and accuracy; then the pictures held back."""
    network.train()
    loss_sum, right = 0.0, 0
    for batch, wanted in seen:
        optimizer.zero_grad()
        answers = network(batch)
        loss = cost(answers, wanted)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(wanted)
        right += (answers.argmax(1) == wanted).sum().item()
    network.eval()
    with torch.no_grad():
        for batch, wanted in held_back:
            cost(network(batch), wanted).item()


times, accuracy = [], 0.0
while accuracy < target and len(times) < epochs:
    began = time.perf_counter()
    run_epoch()
    times.append(time.perf_counter() - began)
    with torch.no_grad():
        accuracy = (network(test).argmax(1) == test_numbers).float().mean().item()
print(
    json.dumps(
        {
            "epoch_s": statistics.median(times),
            "to_target_s": sum(times),
            "epochs": len(times),
            "accuracy": accuracy,
        }
    )
)
