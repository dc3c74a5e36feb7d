"""One of the chapter's networks, written and trained as the chapter does, in plain Keras.

`python chapter.py <network> <folder of prepared images> <epochs>` prints a JSON line an epoch: seconds since the
process started, and the scores. Nothing of this project is imported. Validation after each epoch, which Exercise 20
has and which the pipeline does too, is left out in the chapter's favour.
"""

import csv
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402


def dense(*widths, output):
    first, *hidden, last = widths
    inner = [layers.Dense(width, activation="relu") for width in hidden]
    return keras.Sequential([keras.Input((first,)), *inner, layers.Dense(last, activation=output)])


def convolutional(shape, filters):
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(filters, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2, padding="same"),
            layers.Conv2D(filters, 3, activation="relu", padding="same"),
            layers.UpSampling2D(2),
            layers.Conv2D(shape[-1], 3, activation="sigmoid", padding="same"),
        ]
    )


NETWORKS = {
    "photos-classifier": lambda: dense(1024, 500, 10, output="softmax"),
    "digits-classifier": lambda: dense(784, 600, 10, output="softmax"),
    "photos-simple": lambda: dense(1024, 256, 1024, output="sigmoid"),
    "photos-multilayer": lambda: dense(1024, 512, 256, 512, 1024, output="sigmoid"),
    "photos-convolutional": lambda: convolutional((32, 32, 3), 32),
    "digits-simple": lambda: dense(784, 100, 784, output="sigmoid"),
    "digits-convolutional": lambda: convolutional((28, 28, 1), 16),
}


def load(folder, *splits):
    return np.concatenate([np.load(Path(folder, split, "images.npy")) for split in splits])


def listed_labels(folder, split):
    with Path(folder, "listing.csv").open(encoding="utf-8", newline="") as file:
        return np.array([int(row["label"]) for row in csv.DictReader(file) if row["split"] == split])


def age():
    """Return the seconds since the kernel started this process."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


class Report(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(json.dumps({"epoch": epoch + 1, "seconds": age(), **logs}), flush=True)


def main(name, folder, epochs):
    model = NETWORKS[name]()
    if name.endswith("classifier"):
        images, labels = load(folder, "train"), listed_labels(folder, "train")
        images = (images.mean(axis=-1) / 255).astype("float32").reshape(len(images), -1)
        targets = keras.utils.to_categorical(labels, 10)
        optimizer = keras.optimizers.SGD(learning_rate=0.01)
        model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    else:
        images = load(folder, "train", "validation")
        if name != "photos-convolutional":
            images = images.mean(axis=-1, keepdims=True)
        images = (images / 255).astype("float32")
        targets = images = images.reshape(len(images), *model.input_shape[1:])
        model.compile(optimizer=keras.optimizers.Adadelta(learning_rate=1.0), loss="binary_crossentropy")
    model.fit(images, targets, batch_size=32, epochs=epochs, verbose=0, callbacks=[Report()])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
