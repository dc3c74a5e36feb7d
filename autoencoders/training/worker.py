"""The process that trains for `autoencoders.training.processes`, which starts it."""

import hashlib
import pickle
import sys
from pathlib import Path

from autoencoders.core.errors import InputError
from autoencoders.core.rows import in_memory
from autoencoders.training.jobs import Job, Outcome, WorkerLost
from autoencoders.training.processes import CONNECTED, OUTCOME, leave_with_parent


def main() -> None:
    """Read a job from standard input, train, and write the outcome into the folder that is named there."""
    job, addresses, index, folder = pickle.load(sys.stdin.buffer)
    leave_with_parent()
    try:
        outcome: Outcome | InputError = train(job, addresses, index, Path(folder))
    except InputError as error:
        outcome = error
    Path(folder, OUTCOME).write_bytes(pickle.dumps(outcome))


def train(job: Job, addresses: tuple[str, ...], index: int, folder: Path) -> Outcome:
    """Train on this worker, and say in `folder` when the others are there.

    Raises
    ------
    InputError
        If the training refuses its settings.
    WorkerLost
        If another worker is gone.
    """
    from autoencoders.networks import architectures, runtime
    from autoencoders.networks.runtime import tf
    from autoencoders.training import fit, several

    runtime.deterministic(job.settings["seed"])
    training = fit.Training.of(job.settings)
    shape = job.preparation.shape(job.images.shape[1:])
    validation = (in_memory(job.validation[0], job.memory), job.validation[1]) if job.validation else None
    arguments = (in_memory(job.images, job.memory), job.targets, job.preparation, training, validation)
    try:
        if len(addresses) == 1:
            (folder / CONNECTED).touch()
            network = architectures.build(job.kind, job.name, shape, job.settings)
            history = fit.fit(network, *arguments)
        else:
            strategy = several.strategy_of(addresses, index)
            (folder / CONNECTED).touch()
            with strategy.scope():
                network = architectures.build(job.kind, job.name, shape, job.settings)
            history = several.fit_part(strategy, network, *arguments)
        diverged = False
    except fit.Diverged as error:
        history, diverged = error.history, True
    except tf.errors.OpError as error:
        if len(addresses) == 1:
            raise
        # What TensorFlow says of it goes with other errors to the log of the worker.
        print(error, file=sys.stderr)
        raise WorkerLost(
            f"the training of {job.name} on {len(addresses)} workers has lost one; nothing was written, run it again."
        ) from None
    weights = network.get_weights()
    digest = hashlib.sha256(b"".join(array.tobytes() for array in weights)).hexdigest()
    return Outcome(history, weights if index == 0 else [], digest, diverged)


if __name__ == "__main__":
    main()
