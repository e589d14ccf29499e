"""Makes mobilenet_v1_0.25_224.onnx from Google's weights for Keras: python convert.py WEIGHTS.h5 FOLDER

Needs `pip install h5py onnx`. The README says where the weights are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SHRINKING = {"conv1", "conv_dw_2", "conv_dw_4", "conv_dw_6", "conv_dw_12"}  # where the side is halved
EPSILON = np.float32(1e-3)


def convert(weights: Path, folder: Path) -> Path:
    """Write the network, each normalisation folded into the convolution before it."""
    nodes = [helper.make_node("Transpose", ["image"], ["nchw"], perm=[0, 3, 1, 2])]
    tensors = {"zero": np.float32([0]), "six": np.float32([6])}
    with h5py.File(weights) as file:
        layers = file["model_weights"]
        name = "nchw"
        for layer in ["conv1", *(f"conv_{kind}_{n}" for n in range(1, 14) for kind in ("dw", "pw"))]:
            tensors[f"{layer}_w"], tensors[f"{layer}_b"] = folded(layers, layer)
            side, padding = tensors[f"{layer}_w"].shape[2] // 2, int(layer in SHRINKING)
            nodes.append(helper.make_node(
                "Conv", [name, f"{layer}_w", f"{layer}_b"], [layer],
                group=len(tensors[f"{layer}_w"]) if "_dw_" in layer else 1,
                pads=[side - padding, side - padding, side, side], strides=[1 + padding] * 2,
            ))  # fmt: skip
            name = f"{layer}_r"
            nodes.append(helper.make_node("Clip", [layer, "zero", "six"], [name]))
        last = layers["conv_preds/conv_preds"]
        tensors["preds_w"], tensors["preds_b"] = last["kernel:0"][:].transpose(3, 2, 0, 1), last["bias:0"][:]
    nodes += [
        helper.make_node("GlobalAveragePool", [name], ["gap"]),
        helper.make_node("Conv", ["gap", "preds_w", "preds_b"], ["logits4"]),
        helper.make_node("Flatten", ["logits4"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, weights.stem,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 224, 224, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 1000])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in tensors.items()],
    )  # fmt: skip
    made = folder / "mobilenet_v1_0.25_224.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), made)
    return made


def folded(layers: h5py.Group, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and its bias that do what it and its normalisation did."""
    gamma, beta, mean, variance = (
        layers[f"{layer}_bn/{layer}_bn/{part}:0"][:]
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    is_depthwise = "_dw_" in layer
    kernel = layers[f"{layer}/{layer}/{'depthwise_kernel' if is_depthwise else 'kernel'}:0"][:]
    kernel = kernel.transpose((2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1))
    return kernel * scale.reshape(-1, 1, 1, 1), beta - mean * scale


if __name__ == "__main__":
    sys.stdout.write(f"wrote {convert(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
