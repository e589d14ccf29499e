"""Small networks in ONNX files, made where a test needs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FLOAT, FLOAT16, INT64, STRING, BOOL, UINT8 = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
    TensorProto.UINT8,
)
Shape = Sequence[int | str | None]


def tensor(name: str, shape: Shape, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def maps(name: str) -> Any:
    """A map from label to probability for each row."""
    inner = helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, None))
    return helper.make_value_info(name, helper.make_sequence_type_proto(inner))


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    domain = "ai.onnx.ml" if kind in ("ZipMap", "ArrayFeatureExtractor") else ""
    return helper.make_node(kind, inputs.split(), outputs.split(), domain=domain, **attributes)


def network(
    path: Path,
    inputs: Sequence[Any],
    nodes: Sequence[Any],
    outputs: Sequence[Any],
    constants: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "small", inputs, outputs, held)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    save(model, path)
    return path


def linear(
    path: Path, weights: Any, *, activation: str = "Identity", batch: Any = "rows", **rest: Any
) -> Path:
    """`scores = activation(x @ weights)`."""
    weights = np.asarray(weights, np.float32)
    return network(
        path,
        [tensor("x", [batch, weights.shape[0]])],
        [node("MatMul", "x w", "h"), node(activation, "h", "scores")],
        [tensor("scores", [batch, weights.shape[1]])],
        {"w": weights},
        **rest,
    )
