"""Pictures whose values have 16 bits: scaled to 8 bits by rounding, where Pillow cuts the low byte off."""

import sys
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

# Pillow has no colours of 16 bits and keeps their high bytes. By its name of the bytes in the file, the name under
# which it takes the low bytes for the high ones.
NATIVE = "RGB;16B" if sys.byteorder == "little" else "RGB;16L"
LOW_BYTES = {
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGB;16N": NATIVE,
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
    "RGBA;16N": NATIVE.replace("RGB", "RGBA"),
    "CMYK;16B": "CMYK;16L",
    "CMYK;16L": "CMYK;16B",
    "CMYK;16N": NATIVE.replace("RGB", "CMYK"),
    # Grey and opacity: four bytes a pixel, taken for four values of 8 bits.
    "LA;16B": "RGBA",
}


# TIFF's tags, and values of theirs.
BITS, PHOTOMETRIC, PLANES = 258, 262, 284
WHITE_IS_ZERO, SEPARATE = 0, 2


def scaled(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Return the values 256 high + low, divided by 257 and rounded, as uint8 of the same shape; both are uint8."""
    # 256 h + l is 257 h + (l - h): rounding moves h by one where l - h is more than half of 257, either way.
    up = (low > high) & (low - high > 128)
    down = (high > low) & (high - low > 128)
    return high + up.astype(np.uint8) - down.astype(np.uint8)


def scaled_integers(values: np.ndarray) -> np.ndarray:
    """Return integers in 0 to 65535, divided by 257 and rounded, as uint8 of the same shape."""
    return scaled((values >> 8).astype(np.uint8), (values & 255).astype(np.uint8))


def grey(image: Image.Image) -> Image.Image:
    """Return a grey image of 16 bits as one of 8 bits (L), white where its value is that of transparency."""
    values = np.asarray(image)
    pixels = scaled_integers(values)
    if isinstance(key := image.info.get("transparency"), int):
        pixels[values == key] = 255
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        # Pillow inverts such pictures of 8 bits, and none of 16.
        pixels = 255 - pixels
    return Image.fromarray(pixels)


def is_misread(image: Image.Image) -> bool:
    """Return whether Pillow takes an image's bytes for others: colours of 16 bits in planes of their own."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    bits = image.tag_v2.get(BITS, (1,))
    return image.tag_v2.get(PLANES) == SEPARATE and len(bits) > 1 and max(bits) > 8


def is_cut(image: Image.Image) -> bool:
    """Return whether an image that is open and not yet loaded has colours of 16 bits."""
    return _bytes_name(image) in LOW_BYTES


def low_bytes(image: Image.Image) -> np.ndarray:
    """Return the low bytes of colours of 16 bits, uint8 [height, width, 3 or 4], from an image not yet loaded."""
    assert isinstance(image, PngImagePlugin.PngImageFile | TiffImagePlugin.TiffImageFile)
    name = _bytes_name(image)
    image.tile = [tile._replace(args=_renamed(tile.args, LOW_BYTES[name])) for tile in image.tile]
    image.load()
    values = np.asarray(image)
    return values[..., [1, 1, 1, 3]] if name == "LA;16B" else values


def joined(image: Image.Image, low: np.ndarray) -> Image.Image:
    """Return an image in which Pillow kept the high bytes of 16, scaled with the help of the low ones."""
    high = np.asarray(image)
    pixels = scaled(high, low)
    if image.mode == "CMYK":
        return Image.frombytes("CMYK", image.size, pixels.tobytes())
    if isinstance(key := image.info.get("transparency"), tuple):
        pixels[((high == (np.array(key) >> 8)) & (low == (np.array(key) & 255))).all(axis=-1)] = 255
    return Image.fromarray(pixels)


def _bytes_name(image: Image.Image) -> str:
    if not isinstance(image, PngImagePlugin.PngImageFile | TiffImagePlugin.TiffImageFile) or not image.tile:
        return ""
    arguments: Any = image.tile[0].args
    return arguments if isinstance(arguments, str) else arguments[0]


def _renamed(arguments: Any, name: str) -> Any:
    return name if isinstance(arguments, str) else (name, *arguments[1:])
