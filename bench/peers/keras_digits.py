"""LeNet-5 on MNIST the usual way with Keras: compile and fit. Prints one line of JSON."""

import json
import os
import statistics
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np

path, seed, target, epochs, batch_size = (
    sys.argv[1],
    int(sys.argv[2]),
    float(sys.argv[3]),
    *map(int, sys.argv[4:]),
)
keras.utils.set_random_seed(seed)
with np.load(path) as mnist:
    seen, numbers, test, test_numbers = (mnist[name] for name in ("x_train", "y_train", "x_test", "y_test"))
seen, test = (pictures[..., np.newaxis].astype("float32") / 255 for pictures in (seen, test))
model = keras.Sequential(
    [
        keras.layers.Input((28, 28, 1)),
        keras.layers.Conv2D(6, 5, padding="same", activation="relu"),
        keras.layers.AveragePooling2D(2),
        keras.layers.Conv2D(16, 5, activation="relu"),
        keras.layers.AveragePooling2D(2),
        keras.layers.Conv2D(120, 5, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(84, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])


class Stopwatch(keras.callbacks.Callback):
    """Times the epochs, and looks at the test pictures off the clock."""

    def __init__(self):
        super().__init__()
        self.times, self.accuracy = [], 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(time.perf_counter() - self.began)
        answers = np.concatenate([model.predict_on_batch(part) for part in np.array_split(test, 5)])
        self.accuracy = float((answers.argmax(axis=1) == test_numbers).mean())
        model.stop_training = self.accuracy >= target


watch = Stopwatch()
model.fit(
    seen, numbers, batch_size=batch_size, epochs=epochs, validation_split=1 / 12, verbose=0, callbacks=[watch]
)
print(
    json.dumps(
        {
            "epoch_s": statistics.median(watch.times),
            "to_target_s": sum(watch.times),
            "epochs": len(watch.times),
            "accuracy": watch.accuracy,
        }
    )
)
