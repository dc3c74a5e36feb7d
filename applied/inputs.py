"""Images from whatever a user has at hand, in the form in which a network takes them."""

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images import pictures
from autoencoders.images.forms import Form
from autoencoders.sources import arrays, folder, reading, stacks, table
from autoencoders.sources.names import existing, shown, text_of
from autoencoders.sources.streams import Block, Skipped, Stream

if TYPE_CHECKING:
    from applied.encoder import Encoder, Images

ARRAYS, TABLES = (".npy", ".npz"), (".csv", ".parquet")
# What a fit does to a picture of another shape.
FITTED = {
    "crop": "their middle is cut out",
    "pad": "they are set on a black ground",
    "stretch": "their sides are stretched differently",
}


class Batch(NamedTuple):
    """Some images, in their order.

    Attributes
    ----------
    images : ndarray of shape (n, height, width, channels), uint8
        As the network takes them.
    files : list of str
        The file that each is from, as the user named it, or "-" for standard input.
    numbers : list of str
        The image's number in an array, from 0; "" for a picture.
    skipped : list of Skipped
        Files that were met between these and could not be read.
    """

    images: np.ndarray
    files: list[str]
    numbers: list[str]
    skipped: list[Skipped]


class _Source(NamedTuple):
    """Images of one kind: where they are from, how many at most, and their blocks."""

    where: str
    total: int
    blocks: Iterator[Block]
    shapes: frozenset[tuple[int, int]]


class Inputs:
    """The images that paths name, read while their batches are taken, once.

    A path is a picture; a folder of pictures at any depth; an array in .npy or .npz; or a table, .csv or .parquet,
    whose column `file_name` names pictures relative to the table. All but pictures and folders are known by their
    endings.

    Parameters
    ----------
    paths : sequence of path, or bytes of one picture
    images : mapping
        `images` of the manifest.
    unreadable : {"stop", "skip"}
        Whether a file that cannot be read is an error.
    range : (low, high), optional
        The values of arrays of floats that become 0 and 255.
    log : callable
        Called with a line of text for what is left out.

    Attributes
    ----------
    total : int
        How many images there are at most.
    reshaped : int
        How many of those that were taken had another shape than the network's images, so that `fit` changed them.

    Raises
    ------
    InputError
        If there is no such path, or it holds no image. While batches are taken, if an image cannot be read.
    """

    def __init__(
        self,
        paths: Sequence[str | Path | bytes],
        images: Mapping[str, Any],
        unreadable: str = "stop",
        range: tuple[float, float] | None = None,
        log: Callable[[str], None] = lambda line: None,
    ):
        self.form, self._deskew = form_of(images), images["deskew"]
        self._unreadable, self._range, self._log = unreadable, range, log
        self.reshaped, self._first = 0, ""
        self._sources = list(self._opened(paths))
        if not self._sources:
            raise InputError("No images are named; name files, folders, arrays or tables.")
        self.total = sum(source.total for source in self._sources)

    def __iter__(self) -> Iterator[Batch]:
        for source in self._sources:
            for block in source.blocks:
                n = len(block.images)
                files = block.columns.get("file", [""] * n)
                named = [(Path(source.where) / file).as_posix() if file else source.where for file in files]
                numbers = block.columns.get("image", [""] * n)
                skipped = [skip._replace(file=(Path(source.where) / skip.file).as_posix()) for skip in block.skipped]
                self._notice(block, named, source.shapes)
                straight = upright(block.images) if self._deskew and n else block.images
                yield Batch(straight, named, [str(number) for number in numbers], skipped)

    @property
    def remark(self) -> str:
        """A sentence on images whose shape was changed; "" where there was none."""
        if not self.reshaped:
            return ""
        assert self.form.size is not None
        height, width = self.form.size
        what = "image has another shape" if self.reshaped == 1 else "images have another shape"
        return (
            f"{self.reshaped:,} {what} than the network's {width}x{height}: {FITTED[self.form.fit]} "
            f"(first: {self._first})."
        )

    def _notice(self, block: Block, files: list[str], shapes: frozenset[tuple[int, int]]) -> None:
        n = len(files)
        if "width" in block.columns:
            sizes = list(zip(block.columns["width"], block.columns["height"], strict=True))
        else:
            # Of arrays that hold images of several sizes, blocks do not say which.
            sizes = [next(iter(shapes))] * n if len(shapes) == 1 else []
        for (width, height), file in zip(sizes, files, strict=False):
            if _reshapes(width, height, self.form):
                self.reshaped += 1
                self._first = self._first or f"{shown(file)}, {width}x{height}"

    def _opened(self, paths: Iterable[str | Path | bytes]) -> Iterator[_Source]:
        loose: list[str] = []
        for path in paths:
            if isinstance(path, bytes):
                yield from self._of_files(loose)
                yield self._of_bytes(path)
                loose = []
                continue
            place = Path(path)
            suffix = place.suffix.lower()
            if not place.is_dir() and suffix not in ARRAYS + TABLES:
                existing(place, False, "of a picture")
                loose.append(os.fspath(path))
                continue
            yield from self._of_files(loose)
            loose = []
            yield self._of_table(place) if suffix in TABLES and not place.is_dir() else self._of_other(place)
        yield from self._of_files(loose)

    def _of_files(self, names: list[str]) -> Iterator[_Source]:
        if names:
            files = reading.Files(Path(), names, {"file": [text_of(name) for name in names]})
            blocks = reading.blocks(files, self.form, self._unreadable, None, lambda: None)
            yield _Source("", len(names), blocks, frozenset())

    def _of_bytes(self, content: bytes) -> _Source:
        def blocks() -> Iterator[Block]:
            try:
                picture = pictures.read(content, self.form)
            except pictures.UnreadablePicture as error:
                raise InputError(f"The picture {error}; give another one.") from None
            columns = {"width": [picture.width], "height": [picture.height]}
            yield Block(picture.pixels[np.newaxis], columns, [])

        return _Source("-", 1, blocks(), frozenset())

    def _of_table(self, file: Path) -> _Source:
        options: dict[str, Any] = {"form": self.form, "labels": "none", "unreadable": self._unreadable}
        found = table.stream(file.parent, file.name, log=self._log, **options)
        return self._source(str(file.parent), found)

    def _of_other(self, path: Path) -> _Source:
        if path.is_dir():
            options: dict[str, Any] = {"form": self.form, "labels": "none", "unreadable": self._unreadable}
            return self._source(str(path), folder.stream(path, splits=False, log=self._log, **options))
        found = arrays.stream(path, form=self.form, labels="none", range=self._range, log=self._log)
        return self._source(str(path), found, _shapes(path))

    def _source(self, where: str, found: Stream, shapes: frozenset[tuple[int, int]] = frozenset()) -> _Source:
        return _Source(text_of(where), found.total, found.blocks, shapes)


def form_of(images: Mapping[str, Any]) -> Form:
    """Return the form that pictures are given, by `images` of a manifest."""
    size = (images["height"], images["width"])
    return Form(size, images["fit"], images["colour"], images["max_pixels"]).checked()


def upright(images: np.ndarray) -> np.ndarray:
    """Return images of handwritten digits set upright, uint8 of the same shape."""
    from autoencoders.images.deskewing import deskew

    return deskew(images)


def prepared(images: "Images", encoder: "Encoder") -> np.ndarray:
    """Return images as an encoder takes them, uint8 [n, height, width, channels]; see `Encoder`."""
    about = encoder.manifest["images"]
    given = list(images) if isinstance(images, list | tuple) else [images]
    found = [_prepared(image, place, about, encoder.form) for place, image in enumerate(given)]
    return np.concatenate(found) if found else np.empty((0, *encoder.image_shape), np.uint8)


def _prepared(image: Any, place: int, about: Mapping[str, Any], form: Form) -> np.ndarray:
    if isinstance(image, str | Path):
        return np.concatenate([batch.images for batch in Inputs([image], about)])
    if isinstance(image, np.ndarray):
        found = stacks.formed(_stack(image, place, form), form)
    elif isinstance(image, bytes | bytearray | memoryview | Image.Image):
        try:
            content = image if isinstance(image, Image.Image) else bytes(image)
            found = pictures.read(content, form).pixels[np.newaxis]
        except pictures.UnreadablePicture as error:
            raise InputError(f"Image {place} {error}; give another one.") from None
    else:
        raise ArgumentError(
            f"images: image {place} is of the type {type(image).__name__}; give paths, bytes, images of Pillow or "
            "arrays."
        )
    return upright(found) if about["deskew"] else found


def _stack(image: np.ndarray, place: int, form: Form) -> np.ndarray:
    """Return an array of images as uint8 [n, height, width, channels]."""
    if image.dtype != np.uint8:
        raise ArgumentError(f"images: array {place} has values of {image.dtype}; give uint8, 0 to 255.")
    if image.ndim == 2:
        image = image[np.newaxis, ..., np.newaxis]
    elif image.ndim == 3:
        # One image with channels, or several grey ones.
        image = image[np.newaxis] if image.shape[-1] in (1, 3, 4) else image[..., np.newaxis]
    stacks.checked(f"array {place} of images", image.shape, form)
    return image


def _reshapes(width: int, height: int, form: Form) -> bool:
    """Return whether pictures of a size have another shape than a form's, by more than a pixel."""
    assert form.size is not None
    return abs(width * form.size[0] - height * form.size[1]) >= max(form.size)


def _shapes(file: Path) -> frozenset[tuple[int, int]]:
    """Return the (width, height) of the images in a file of arrays that was found sound."""
    contents: list[bytes] = []
    with file.open("rb") as content:
        if zipfile.is_zipfile(content):
            with zipfile.ZipFile(file) as archive:
                contents = [archive.open(name).read(2**16) for name in archive.namelist()]
        else:
            content.seek(0)
            contents = [content.read(2**16)]
    found = set()
    for begin in contents:
        head = io.BytesIO(begin)
        version = np.lib.format.read_magic(head)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape = read(head)[0]
        if len(shape) in (3, 4):
            found.add((shape[2], shape[1]))
    return frozenset(found)
