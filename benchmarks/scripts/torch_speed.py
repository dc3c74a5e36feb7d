"""Print images a second of an eager PyTorch training of an autoencoder; the argument is JSON: name, settings, seconds.

The loop is what PyTorch's own advice for processors comes to: tensors prepared once, batches by index, the loss from
logits, gradients set to none, and of both memory formats and both implementations of Adam the faster.
"""

import itertools
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stages.shared.parameters import FILE, load

# How settings are told apart: the best of some rounds, in turn, so that other work hits none of them alone.
TRIAL_STEPS, TRIAL_ROUNDS = 20, 4


def dense(block: dict, width: int) -> nn.Sequential:
    """Return the dense autoencoder of a block of `params.yaml`, without its last sigmoid."""
    hidden = [*block["units"], *reversed(block["units"][:-1])]
    modules, before = [], width
    for number, after in enumerate(hidden):
        code = number == len(block["units"]) - 1
        modules.append(nn.Linear(before, after))
        if block["code_activation" if code else "activation"] == "relu":
            modules.append(nn.ReLU())
        before = after
    return nn.Sequential(*modules, nn.Linear(before, width))


def convolutional(block: dict, channels: int) -> nn.Sequential:
    """Return the convolutional autoencoder of a block of `params.yaml`, without its last sigmoid."""
    modules, before, side = [], channels, block["kernel_size"]
    for after in block["filters"]:
        modules += [nn.Conv2d(before, after, side, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        before = after
    for after in reversed(block["filters"]):
        modules += [nn.Conv2d(before, after, side, padding="same"), nn.ReLU(), nn.Upsample(scale_factor=2)]
        before = after
    return nn.Sequential(*modules, nn.Conv2d(before, channels, side, padding="same"))


def glorot(module: nn.Module) -> None:
    """Give a layer the initial weights that Keras would."""
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


class Training:
    """One network in training."""

    def __init__(self, block: dict, images: np.ndarray, settings: dict, last: bool, fused: bool):
        torch.manual_seed(0)
        self.batch_size, self.kind = settings["batch_size"], block["kind"]
        if self.kind == "dense":
            self.images = torch.from_numpy(images.reshape(len(images), -1))
            self.network = dense(block, self.images.shape[1])
        else:
            # Rows are gathered in the order in which they lie; the view below then has the format asked for.
            self.images = torch.from_numpy(images if last else np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
            self.network = convolutional(block, images.shape[-1])
            if last:
                self.network = self.network.to(memory_format=torch.channels_last)
        self.last = last
        self.network.apply(glorot)
        options = {"lr": settings["learning_rate"], "eps": 1e-7, "fused": fused}
        self.optimizer = torch.optim.Adam(self.network.parameters(), **options)
        self.loss = nn.BCEWithLogitsLoss()

    def epoch(self, steps: int | None = None) -> tuple[float, float]:
        """Train for an epoch, or some steps of one; return its seconds and its mean loss."""
        start = time.perf_counter()
        total, seen = torch.zeros(()), 0
        for rows in itertools.islice(torch.randperm(len(self.images)).split(self.batch_size), steps):
            batch = self.images[rows]
            if self.last:
                batch = batch.permute(0, 3, 1, 2)
            loss = self.loss(self.network(batch), batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
            seen += len(rows)
        mean = float(total / seen)
        return time.perf_counter() - start, mean


def main(name: str, settings: dict, seconds: float) -> None:
    block = load(FILE)["autoencoders"][name]
    folder = Path("data/prepared", block["dataset"])
    images = np.concatenate([np.load(folder / split / "images.npy") for split in ("train", "validation")])
    images = np.divide(images, 255, dtype=np.float32)
    if block["colour"] == "grey":
        images = images.mean(axis=-1, keepdims=True)

    formats = [False] if block["kind"] == "dense" else [False, True]
    trials = {way: Training(block, images, settings, *way) for way in itertools.product(formats, [False, True])}
    rounds = [{way: trial.epoch(TRIAL_STEPS)[0] for way, trial in trials.items()} for _ in range(TRIAL_ROUNDS)]
    # The first round warms up.
    last, fused = min(trials, key=lambda way: min(each[way] for each in rounds[1:]))

    training = Training(block, images, settings, last, fused)
    training.epoch()
    first, _ = training.epoch()
    taken = []
    for _ in range(math.ceil(seconds / first)):
        elapsed, loss = training.epoch()
        taken.append(elapsed)
    found = {"images_per_second": len(taken) * len(images) / sum(taken), "epochs": len(taken) + 2, "loss": loss}
    found |= {"channels_last": last, "fused": fused, "threads": torch.get_num_threads()}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
