"""A Gradio interface with the same form; its queue is off, which is its fastest way to answer a program."""

import os
import sys

import gradio
import numpy as np
import onnxruntime

SPECIES = ("setosa", "versicolor", "virginica")
FORM = (("Sepal length", 5.8), ("Sepal width", 3.0), ("Petal length", 4.3), ("Petal width", 1.3))

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["IRIS_MODEL"], options, providers=["CPUExecutionProvider"])


def predict(
    sepal_length: float, sepal_width: float, petal_length: float, petal_width: float
) -> dict[str, float]:
    row = [[sepal_length, sepal_width, petal_length, petal_width]]
    (scores,) = session.run(None, {"x": np.asarray(row, dtype=np.float32)})[0]
    return {name: float(score) for name, score in zip(SPECIES, scores, strict=True)}


with gradio.Blocks(title="Flowers", analytics_enabled=False) as app:
    fields = [gradio.Slider(0, 10, value=value, step=0.1, label=f"{label} (cm)") for label, value in FORM]
    answer = gradio.Label()
    gradio.Button("Ask").click(predict, fields, answer, api_name="predict", queue=False)

if __name__ == "__main__":
    app.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)
