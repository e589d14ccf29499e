"""A plain FastAPI route with pydantic validation."""

import os
from typing import Annotated

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["IRIS_MODEL"], options, providers=["CPUExecutionProvider"])
SPECIES = ("setosa", "versicolor", "virginica")

Centimetres = Annotated[float, Field(ge=0, le=10)]


class Flower(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sepal_length: Centimetres
    sepal_width: Centimetres
    petal_length: Centimetres
    petal_width: Centimetres


class Answer(BaseModel):
    label: str
    scores: dict[str, float]


app = FastAPI()


@app.get("/ready")
async def ready() -> bool:
    return True


def answer(flower: Flower) -> Answer:
    row = [[flower.sepal_length, flower.sepal_width, flower.petal_length, flower.petal_width]]
    (scores,) = session.run(None, {"x": np.asarray(row, dtype=np.float32)})[0]
    return Answer(
        label=SPECIES[int(scores.argmax())],
        scores={name: float(score) for name, score in zip(SPECIES, scores, strict=True)},
    )


@app.post("/predict")
def predict(flower: Flower) -> Answer:
    """In the thread pool: the event loop stays free while the model works."""
    return answer(flower)


@app.post("/predict-on-the-loop")
async def predict_on_the_loop(flower: Flower) -> Answer:
    """On the event loop: faster for a model this small, and everybody waits for one that is not."""
    return answer(flower)
