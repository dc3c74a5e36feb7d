"""How numbers and the keys of metrics are written, in every table and sentence that people read."""

from numbers import Real

import pandas as pd

# Keys of the metrics that are no words, or that the field calls otherwise.
WORDS = {
    "ari": "ARI",
    "binary_crossentropy": "cross-entropy",
    "density": "samples of a mixture of codes",
    "distance": "nearest RMSE",
    "evenness": "class entropy",
    "held_out": "held-out",
    "last_row": "last row repeated",
    "mean_squared_error": "MSE",
    "median": "median filter",
    "nearest_image": "nearest training image",
    "nlm": "non-local means",
    "nmi": "NMI",
    "prior": "samples of the prior",
    "psnr": "PSNR",
    "recognised": "confident share",
    "reconstruction": "reconstructions",
    "ssim": "SSIM",
    "test": "test images",
}

# Decimals of scores.
PLACES = 3


def words(key: str) -> str:
    """Return a key as people say it."""
    return WORDS.get(key, key.replace("_", " "))


def number(value: float, decimals: int, sign: bool = False) -> str:
    """Return a number with so many decimals and a comma between thousands; nothing where it is not known."""
    return "" if value != value else f"{value:{'+' if sign else ''},.{decimals}f}"


def mean(value: float, deviation: float) -> str:
    """Return a mean of several runs and its standard deviation, both with PLACES decimals."""
    texts = [text for text in (number(value, PLACES), number(deviation, PLACES)) if text]
    return " ± ".join(texts) if number(value, PLACES) else ""


def column(values: pd.Series) -> list[str]:
    """Return the texts of a column: of numbers all with as many decimals, as few as tell them, two to four at most."""
    if values.dtype.kind not in "if":
        return [_single(value) for value in values]
    known = values.dropna()
    most = 2 if known.abs().max() >= 10 else 4
    decimals = next((count for count in range(most) if (known == known.round(count)).all()), most)
    return [number(value, decimals) for value in values]


def is_number(value: object) -> bool:
    """Whether a value is a number, which true and false are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _single(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
