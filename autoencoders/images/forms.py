"""The form that pictures are given: their size, how they come to it, and their colour."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from autoencoders.core.errors import ArgumentError

# Pillow refuses more pixels than this by itself.
MOST_PIXELS = 178_956_970
FITS = ("crop", "pad", "stretch")
COLOURS = ("grey", "rgb")


class Form(NamedTuple):
    """The form that pictures are given.

    Attributes
    ----------
    size : (height, width), optional
        In pixels; by default each picture keeps its own.
    fit : {"crop", "pad", "stretch"}
        How a picture of another shape comes to that size. Its middle is cut out, as large as can be; or it is set
        whole into the middle of a black ground; or its sides are stretched differently.
    colour : {"grey", "rgb"}
        Grey is the mean of the three channels, rounded; a picture that is grey stays as it is.
    max_pixels : int
        A picture of more pixels is refused before it is unpacked. At most MOST_PIXELS.
    """

    size: tuple[int, int] | None = None
    fit: str = "crop"
    colour: str = "rgb"
    max_pixels: int = 64_000_000

    def checked(self) -> "Form":
        """Return this form.

        Raises
        ------
        ArgumentError
            If it is none.
        """
        if self.size is not None and (len(self.size) != 2 or not all(1 <= side <= 2**15 for side in self.size)):
            raise ArgumentError(f"size is {list(self.size)}, but is to be [height, width], each from 1 to {2**15}.")
        if self.fit not in FITS:
            raise ArgumentError(f"fit is '{self.fit}'; use {', '.join(FITS[:-1])} or {FITS[-1]}.")
        if self.colour not in COLOURS:
            raise ArgumentError(f"colour is '{self.colour}'; use {' or '.join(COLOURS)}.")
        if not 1 <= self.max_pixels <= MOST_PIXELS:
            raise ArgumentError(f"max_pixels is {self.max_pixels}, but is to lie in 1 to {MOST_PIXELS}.")
        return self


DEFAULT = Form()


def pixels_of(image: Image.Image, shape: tuple[int, int], form: Form) -> np.ndarray:
    """Return the pixels of an image in a form, uint8 [height, width, 1 or 3].

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode L or RGB.
    shape : (width, height)
        Of the picture before it was unpacked at a smaller scale, whose sides are rounded.
    form : Form
    """
    pixels = np.asarray(_fitted(image, shape, form))
    return coloured(pixels[..., np.newaxis] if pixels.ndim == 2 else pixels, form.colour)


def _fitted(image: Image.Image, shape: tuple[int, int], form: Form) -> Image.Image:
    if form.size is None:
        return image
    height, width = form.size
    if form.fit == "pad":
        whole = inner(shape, (width, height))
        ground = Image.new(image.mode, (width, height))
        ground.paste(image.resize(whole, Image.Resampling.BICUBIC), ((width - whole[0]) // 2, (height - whole[1]) // 2))
        return ground
    cut: tuple[float, float] = image.size
    if form.fit == "crop":
        scale = min(image.width / width, image.height / height)
        cut = (min(width * scale, image.width), min(height * scale, image.height))
    left, top = (image.width - cut[0]) / 2, (image.height - cut[1]) / 2
    box = (left, top, min(left + cut[0], image.width), min(top + cut[1], image.height))
    return image.resize((width, height), Image.Resampling.BICUBIC, box)


def inner(size: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """Return the largest (width, height) within `outer` that has the shape of `size`, in whole pixels."""
    scale = min(outer[0] / size[0], outer[1] / size[1])
    width, height = (min(max(math.floor(side * scale + 0.5), 1), most) for side, most in zip(size, outer, strict=True))
    return width, height


def coloured(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Return uint8 [..., 1 or 3] with the channels of a colour: one for "grey", three for "rgb"."""
    if colour == "grey" and pixels.shape[-1] == 3:
        # A third is never a half: this is the mean, rounded.
        return ((pixels.sum(axis=-1, keepdims=True, dtype=np.uint16) + 1) // 3).astype(np.uint8)
    if colour == "rgb" and pixels.shape[-1] == 1:
        return np.repeat(pixels, 3, axis=-1)
    return pixels
