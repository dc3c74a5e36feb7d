"""Print the rate of matrix products and of training in one process; the argument is JSON.

Its keys are name, seconds, size (of the matrices) and settings, a list of those that training is measured with.
"""

import json
import sys
import time

from autoencoders.networks.runtime import tf
from benchmarks.scripts.speed import training_speed

PRODUCTS = 5


def product_rate(size: int, dtype: str) -> float:
    """Return the floating-point operations a second of the fastest of some products of two square matrices."""
    left, right = (tf.cast(tf.random.stateless_normal((size, size), (0, seed)), dtype) for seed in (0, 1))
    times = []
    for _ in range(PRODUCTS + 1):
        start = time.perf_counter()
        # Read back one number, since an operation may only have been queued when its call returns.
        float(tf.matmul(left, right)[0, 0])
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times[1:])


def main(name: str, settings: list[dict], seconds: float, size: int) -> None:
    before = product_rate(size, "float32")
    speeds = [training_speed(name, each, seconds) for each in settings]
    found = {"speeds": speeds, "float32": [before, product_rate(size, "float32")]}
    try:
        found["bfloat16"] = product_rate(size, "bfloat16")
    except (tf.errors.OpError, TypeError, ValueError) as error:
        found["bfloat16_missing"] = type(error).__name__
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
