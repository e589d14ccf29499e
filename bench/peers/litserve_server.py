"""A LitServe server: an inference process behind a web process, as it comes."""

import os
import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime

SPECIES = ("setosa", "versicolor", "virginica")
NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


class Flowers(litserve.LitAPI):
    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["IRIS_MODEL"], options, providers=["CPUExecutionProvider"]
        )

    def decode_request(self, request: dict[str, float]) -> list[float]:
        return [float(request[name]) for name in NAMES]

    def predict(self, row: list[float]) -> Any:
        return self.session.run(None, {"x": np.asarray([row], dtype=np.float32)})[0][0]

    def encode_response(self, scores: Any) -> dict[str, Any]:
        return {
            "label": SPECIES[int(scores.argmax())],
            "scores": {name: float(score) for name, score in zip(SPECIES, scores, strict=True)},
        }


if __name__ == "__main__":
    server = litserve.LitServer(Flowers(), accelerator="cpu")
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
