"""A BentoML service with typed, ranged parameters."""

import os
from typing import Annotated, Any

import bentoml
import numpy as np
import onnxruntime
from pydantic import Field

SPECIES = ("setosa", "versicolor", "virginica")
Centimetres = Annotated[float, Field(ge=0, le=10)]


@bentoml.service(logging={"access": {"enabled": False}})
class Flowers:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["IRIS_MODEL"], options, providers=["CPUExecutionProvider"]
        )

    @bentoml.api
    async def predict(
        self,
        sepal_length: Centimetres,
        sepal_width: Centimetres,
        petal_length: Centimetres,
        petal_width: Centimetres,
    ) -> dict[str, Any]:
        row = [[sepal_length, sepal_width, petal_length, petal_width]]
        (scores,) = self.session.run(None, {"x": np.asarray(row, dtype=np.float32)})[0]
        return {
            "label": SPECIES[int(scores.argmax())],
            "scores": {name: float(score) for name, score in zip(SPECIES, scores, strict=True)},
        }
