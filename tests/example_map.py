"""A small map with everything on it."""

import numpy as np

from autoencoders.pages.map import page

CLASSES = ["square", "round & <b>bold</b>", "</script>"]
N = 20


def shown(n: int = N, channels: int = 3) -> page.Shown:
    """Return images of 4×4 pixels, a colour each that tells them apart, and what is known of them."""
    pixels = np.linspace(0, 1, n, dtype=np.float32)[:, None] * np.array([1, 0.5, 0.25], np.float32)[:channels]
    numbers = np.arange(n)
    return page.Shown(
        images=np.broadcast_to(pixels[:, None, None], (n, 4, 4, channels)),
        numbers=1000 + 3 * numbers,
        clusters=numbers // 5,
        labels=numbers % len(CLASSES),
        classes=CLASSES,
    )


def spread(n: int = N) -> np.ndarray:
    """Return points on a map that is wider than high, far from each other and in an order of their own."""
    cells = np.random.default_rng(0).permutation(n)
    return np.stack([cells % 5 * 10.0, cells // 5 * 6.0], axis=1).astype(np.float32) - 17
