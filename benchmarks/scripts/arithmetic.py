"""Print the rate of matrix products and of training in one process; the argument is JSON.

Its keys are name, seconds, size (of the matrices) and settings, a list of those that training is measured with.
"""

import json
import sys
import time

from autoencoders.networks import runtime
from autoencoders.networks.runtime import tf
from benchmarks.scripts.speed import training_speed

PRODUCTS = 5


def product_rate(size: int) -> float:
    """Return the floating-point operations a second of the fastest of some products of two float32 matrices."""
    left, right = (tf.random.stateless_normal((size, size), (0, seed)) for seed in (0, 1))
    times = []
    for _ in range(PRODUCTS + 1):
        start = time.perf_counter()
        # Read back one number, since an operation may only have been queued when its call returns.
        float(tf.matmul(left, right)[0, 0])
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times[1:])


def main(name: str, settings: list[dict], seconds: float, size: int) -> None:
    # The products get as many threads as the training, which TensorFlow must know before its first operation.
    runtime.deterministic(0)
    before = product_rate(size)
    speeds = [training_speed(name, each, seconds) for each in settings]
    print(json.dumps({"speeds": speeds, "float32": [before, product_rate(size)]}), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
