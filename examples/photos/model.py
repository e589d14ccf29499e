"""What is in this picture? Four networks that know the thousand classes of ImageNet."""

from __future__ import annotations

import json
from typing import Annotated

import numpy as np
from PIL import Image

import frontdesk as fd

SIDE = 224
MEAN, SPREAD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])

Photo = Annotated[Image.Image, fd.Image(gallery="images")]


class _Network(fd.Model):
    """Names what is in a photo."""

    task = "photos"
    weights = ""
    mend = "Run: frontdesk pull photos"
    gives_logits = True

    def load(self, version: fd.Version) -> None:
        path = version.models_folder / "models" / self.weights
        labels = version.models_folder / "labels" / "imagenet-simple-labels.json"
        for needed in (path, labels):
            if not needed.is_file():
                raise fd.NotTrained(f"{needed.name} is missing. {self.mend}")
        self.network, self.labels = fd.OnnxSession(path), json.loads(labels.read_text())

    def predict(self, photo: Photo) -> fd.Classification:
        """The classes by their scores, the best first."""
        scores = self.network.run(self.prepared(photo)[np.newaxis]).astype(np.float64).reshape(-1)
        if self.gives_logits:
            scores = np.exp(scores - scores.max())
        return fd.Classification(labels=self.labels, scores=(scores / scores.sum()).tolist())

    def prepared(self, photo: Image.Image) -> np.ndarray:
        """Channels first, scaled as the PyTorch networks were trained."""
        return ((centre(photo) / 255 - MEAN) / SPREAD).transpose(2, 0, 1)


def centre(photo: Image.Image) -> np.ndarray:
    """The middle of the photo, its shorter side brought to 256 pixels: 224 x 224 x 3, 0 to 255."""
    width, height = photo.size
    across, down = (round(side * 256 / min(photo.size)) for side in photo.size)
    left, top = (across - SIDE) // 2, (down - SIDE) // 2
    # Only the middle is resized: a picture that is long and thin would become huge.
    middle = (
        left * width / across, top * height / down, (left + SIDE) * width / across, (top + SIDE) * height / down
    )  # fmt: skip
    return np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR, middle), np.float32)


class Mobilenetv2(_Network):
    """MobileNetV2 in 8 bits: the most accurate of the four."""

    title = "MobileNetV2"
    weights = "mobilenetv2-12-int8.onnx"


class Shufflenet(_Network):
    """ShuffleNet V2 in 8 bits."""

    title = "ShuffleNet"
    weights = "shufflenet-v2-12-qdq.onnx"


class Squeezenet(_Network):
    """SqueezeNet 1.1 in 16 bits, which looks at the whole picture and wants blue first."""

    title = "SqueezeNet"
    weights = "squeezenet1.1_fp16.onnx"
    gives_logits = False

    def prepared(self, photo: Image.Image) -> np.ndarray:
        """Channels first, blue to red, as the Caffe networks were trained."""
        whole = np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)
        return (whole[..., ::-1] - np.float32([103.939, 116.779, 123.68])).transpose(2, 0, 1)


class Mobilenet(_Network):
    """MobileNet V1 of a quarter's width: the smallest."""

    title = "MobileNet"
    weights = "mobilenet_v1_0.25_224.onnx"
    mend = "It has to be converted; examples/photos/README.md says how."
    gives_logits = False

    def prepared(self, photo: Image.Image) -> np.ndarray:
        """Channels last, -1 to 1, as the TensorFlow networks were trained."""
        return centre(photo) / 127.5 - 1
