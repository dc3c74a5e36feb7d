"""The density of a network's training codes, for the stages that make images or export it."""

from typing import Any

from autoencoders.core.rows import Rows
from autoencoders.core.sampling import sample
from autoencoders.uses import samples

SETTINGS = {"components", "covariance_type", "max_width", "ridge", "seed"}


def fitted(name: str, training_codes: Rows, generate: Any, in_memory: float) -> samples.Density:
    """Fit a mixture to the training codes, or to a sample of them where all take more than `in_memory` MiB.

    `generate` is that section of `params.yaml`.
    """
    memory = int(in_memory * 2**20)
    most = samples.most_codes(training_codes.shape[1], generate.components, generate.max_width, memory)
    if most < len(training_codes):
        print(f"{name}: {len(training_codes):,} codes take more than in_memory ({in_memory:g} MiB): {most:,} are drawn")
    chosen = sample(len(training_codes), most, generate.seed)
    return samples.fit(training_codes[chosen], **generate.model_dump(include=SETTINGS))
