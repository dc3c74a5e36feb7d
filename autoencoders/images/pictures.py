"""Picture files of any form as pixels of one form: uint8, upright, without transparency, of one size.

Whoever prepares a picture prepares it here, one at a time, so that the same bytes give the same pixels alone, in any
batch and on any number of threads.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from autoencoders.core.errors import InputError
from autoencoders.images import sixteen_bits
from autoencoders.images.forms import Form, inner, pixels_of

# Pillow imports the plugins of all its formats to find one; these are the formats that are read here.
PLUGINS = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
NAMES = "JPEG, PNG, BMP, GIF, WebP, TIFF or PPM"

# What turns a picture upright, by the orientation that EXIF gives.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Modes whose pixels are grey, or colours, with values of 8 bits or one.
GREYS = ("1", "L", "LA")
COLOURED = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV")

# Pillow warns and logs about metadata that it passes by. No filter of warnings holds for one thread alone, so that
# these hold for the process, for Pillow's own modules. (Of a damaged compressed TIFF libtiff writes a line to the
# terminal, past Python.)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
logging.getLogger("PIL").addHandler(logging.NullHandler())


class UnreadablePicture(InputError):
    """A picture cannot be read. The message is a few words that can follow its name: "is empty"."""


class Picture(NamedTuple):
    """A picture as it was read.

    Attributes
    ----------
    pixels : ndarray of shape (height, width, channels), uint8
        In the form that was asked for; one channel or three.
    width, height : int
        As they are stored, before the picture is turned upright and fitted.
    mode : str
        Pillow's name of the pixels' form, as they are stored ("RGB", "CMYK", "I;16").
    """

    pixels: np.ndarray
    width: int
    height: int
    mode: str


def read(source: Path | bytes | Image.Image, form: Form) -> Picture:
    """Return a picture in a form.

    The first frame is read, turned upright as its EXIF says (not, where that is malformed), and laid on white where it
    is transparent. Values of 16 bits are divided by 257 and rounded. Where a size is asked for, a JPEG is unpacked at
    the smallest of its scales that has at least twice that many pixels a side, and Pillow's bicubic filter, which
    widens as it shrinks, does the rest.

    Parameters
    ----------
    source : Path, bytes or PIL.Image.Image
        A file of the formats FORMATS, its content, or an image that Pillow opened or made, which stays as it is.
    form : Form

    Raises
    ------
    UnreadablePicture
        If there is no such file, it is damaged or no picture, or its pixels have no fixed range (modes I and F).
    """
    try:
        image, shape, stored = _decoded(source, form)
    except UnreadablePicture:
        raise
    except Exception as error:
        # Damaged files let Pillow raise nearly anything (OSError, SyntaxError, struct.error, IndexError, …).
        raise UnreadablePicture(_reason(error, form)) from None
    return Picture(pixels_of(image, shape, form), *stored)


def fitted(pixels: np.ndarray, form: Form) -> np.ndarray:
    """Return pixels uint8 [height, width, channels], of 1, 3 or 4 channels (the fourth: opacity), in a form.

    They are treated as the pixels of a picture are.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return pixels_of(_flat(image), image.size, form)


@contextmanager
def _opened(source: Path | bytes | Image.Image) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        yield source.copy()
        return
    if isinstance(source, Path) and not source.is_file() and source.exists():
        # To open a pipe would be to wait for whoever writes into it.
        raise UnreadablePicture("is no file")
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        if not file.read(1):
            raise UnreadablePicture("is empty")
        file.seek(0)
        with Image.open(file, formats=FORMATS) as image:
            yield image


def _decoded(
    source: Path | bytes | Image.Image, form: Form
) -> tuple[Image.Image, tuple[int, int], tuple[int, int, str]]:
    """Return the upright image, of mode L or RGB, its (width, height) before a JPEG shrinks, and what is stored."""
    if isinstance(source, Image.Image):
        _check_size(source, form)
    with _opened(source) as image:
        _check_size(image, form)
        if sixteen_bits.is_misread(image):
            raise UnreadablePicture("has colours of 16 bits in separate planes, which are not read")
        mode, (width, height), orientation = image.mode, image.size, 1
        shape = image.size
        is_jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
        if is_jpeg:
            # Before the picture is unpacked: where it lies on its side, other sides are wanted of it.
            orientation = _orientation(image)
            _shrink(image, form, orientation > 4)
        elif isinstance(image, TiffImagePlugin.TiffImageFile):
            # Pillow turns these upright itself, and gives the size that they have then.
            width, height = (int(image.tag_v2[tag]) for tag in (256, 257))
        low = None
        if not isinstance(source, Image.Image) and sixteen_bits.is_cut(image):
            with _opened(source) as again:
                low = sixteen_bits.low_bytes(again)
        image.load()
        if not is_jpeg:
            # The EXIF of a PNG may follow its pixels.
            orientation = _orientation(image)
        if low is not None:
            flat = _flat(sixteen_bits.joined(image, low))
        else:
            flat = _flat(image, source.format if isinstance(source, Image.Image) else image.format)
        if orientation in UPRIGHT:
            flat = flat.transpose(UPRIGHT[orientation])
        if orientation > 4:
            shape = (shape[1], shape[0])
        return flat, shape, (width, height, mode)


def _check_size(image: Image.Image, form: Form) -> None:
    if image.width * image.height > form.max_pixels:
        raise UnreadablePicture(
            f"has {image.width}x{image.height} pixels, more than max_pixels allows ({form.max_pixels})"
        )


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
        return value if value in range(1, 9) else 1
    except Exception:
        # Malformed EXIF raises as many things as a malformed picture does. The picture is there without it.
        return 1


def _shrink(image: Image.Image, form: Form, turned: bool) -> None:
    if form.size is None:
        return
    height, width = reversed(form.size) if turned else form.size
    if form.fit == "pad":
        width, height = inner(image.size, (width, height))
    image.draft(None, (2 * width, 2 * height))


def _flat(image: Image.Image, file_format: str | None = None) -> Image.Image:
    """Return an image of mode L or RGB, on white where it is transparent."""
    mode = image.mode
    # Of the formats that are read, TIFF alone has whole numbers of 32 bits.
    if mode.startswith("I;16") or (mode == "I" and file_format in ("PNG", "PPM")):
        return sixteen_bits.grey(image)
    if mode not in GREYS + COLOURED:
        raise UnreadablePicture(f"has values of the form {mode}, whose range is not known")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGB", image.size, "white")
        ground.paste(layer, mask=layer)
        return ground.getchannel(0) if mode in GREYS else ground
    wanted = "L" if mode in GREYS else "RGB"
    return image if mode == wanted else image.convert(wanted)


def _reason(error: Exception, form: Form) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return f"has more pixels than max_pixels allows ({form.max_pixels})"
    if isinstance(error, UnidentifiedImageError):
        return f"is no {NAMES}, or its beginning is damaged"
    if isinstance(error, FileNotFoundError):
        return "is not there"
    if isinstance(error, MemoryError):
        return "takes more memory than there is"
    if isinstance(error, OSError) and error.errno:
        return f"cannot be read ({error.strerror})"
    return "is damaged or cut off"
