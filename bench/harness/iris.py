"""The model every server answers with: a scikit-learn network for iris as one ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

SPECIES = ("setosa", "versicolor", "virginica")
MEASUREMENTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def write_model(path: Path) -> None:
    """Train 4 -> 10 -> 3 and write it as a graph of float32 [n, 4] -> probabilities [n, 3]."""
    inputs, labels = load_iris(return_X_y=True)
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0)
    network = MLPClassifier(hidden_layer_sizes=(10,), max_iter=3000, random_state=0)
    network.fit((inputs - mean) / spread, labels)

    # The scaling is folded into the first layer: (x - m) / s @ w + b  ==  x @ (w / s) + (b - m / s @ w)
    first = network.coefs_[0] / spread[:, None]
    first_bias = network.intercepts_[0] - (mean / spread) @ network.coefs_[0]
    weights = {"w1": first, "b1": first_bias, "w2": network.coefs_[1], "b2": network.intercepts_[1]}
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["z"]),
            helper.make_node("Softmax", ["z"], ["p"], axis=1),
        ],
        "iris",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.asarray(w, dtype=np.float32), name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)


def measurements(count: int) -> list[list[float]]:
    """Real flowers, spread over the three species."""
    inputs = load_iris().data
    return [[float(x) for x in inputs[i]] for i in np.linspace(0, len(inputs) - 1, count).astype(int)]
