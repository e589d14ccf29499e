"""The same model file as a frontdesk task."""

import os
from typing import Annotated

import numpy as np
import onnxruntime

import frontdesk as fd

SPECIES = ("setosa", "versicolor", "virginica")
Centimetres = Annotated[float, fd.Number(ge=0, le=10, step=0.1, unit="cm")]


class Iris(fd.Model):
    """Names the iris species from four measurements."""

    task = "flowers"
    eager = True

    def load(self, version: fd.Version) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["IRIS_MODEL"], options, providers=["CPUExecutionProvider"]
        )

    def predict(
        self,
        sepal_length: Centimetres = 5.8,
        sepal_width: Centimetres = 3.0,
        petal_length: Centimetres = 4.3,
        petal_width: Centimetres = 1.3,
    ) -> fd.Classification:
        row = [[sepal_length, sepal_width, petal_length, petal_width]]
        (scores,) = self.session.run(None, {"x": np.asarray(row, dtype=np.float32)})[0]
        return fd.Classification(dict(zip(SPECIES, scores.tolist(), strict=True)))
