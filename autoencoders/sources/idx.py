"""Images in MNIST's own format, whatever they show: Fashion-MNIST, KMNIST, EMNIST.

H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST", 2017. T. Clanuwat et al., "Deep Learning for Classical Japanese
Literature", 2018. G. Cohen, S. Afshar, J. Tapson and A. van Schaik, "EMNIST: an extension of MNIST to handwritten
letters", 2017, whose images are transposed.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import DEFAULT, Form
from autoencoders.sources import idx_files, reading, stacks
from autoencoders.sources.names import SPLIT_NAMES, check_choice, existing, shown
from autoencoders.sources.streams import SPLITS, Block, Stream

LABELS = ("stored", "none")
REMEDY = "replace it"

NAME = re.compile(r"(?P<set>.*?)(?P<split>train|validation|valid|val|dev|test|t10k)-images[-.]idx3-ubyte(\.gz)?")
MAPPING = "*mapping.txt"

# What a damaged packing lets gzip raise.
DAMAGED = (EOFError, OSError, zlib.error)


class Pair(NamedTuple):
    """The files of one split: images, and labels where they are wanted."""

    split: str
    images: Path
    labels: Path | None


def stream(
    path: Path,
    *,
    form: Form = DEFAULT,
    labels: str = "stored",
    transposed: bool = False,
    limit: int | None = None,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> Stream:
    """Return the images of a folder of IDX files: training images first, then validation and test images.

    The files are called `…train-images-idx3-ubyte` and `…train-labels-idx1-ubyte`, and the same with `t10k` or `test`
    (or `val`), with a dot for the hyphen before `idx` or not, packed with gzip or not. One of the splits is enough. The
    classes are the different labels in their order. A file `…mapping.txt`, as EMNIST has it, gives their names: on each
    line a label and the codes of its characters.

    Parameters
    ----------
    path : Path
    form : Form
        The form that the images are given.
    labels : {"stored", "none"}
        Whether there are files of labels.
    transposed : bool
        Whether the files hold columns of pixels where others hold rows, as EMNIST's do.
    limit : int, optional
        At most this many images, drawn by `seed`; their order stays.
    seed : int
    log : callable
        Called with a line of text if several files name the classes, so that none does.

    Raises
    ------
    InputError
        If the folder is not there; if files are missing, ambiguous, damaged or of another form; or if there is one
        class alone. While blocks are taken: if a file is damaged further on; or if files changed.
    """
    check_choice("labels", labels, LABELS)
    form.checked()
    root = existing(Path(path), True, "of the IDX files")
    pairs = _pairs(root, labels == "stored")
    names = [file.name for pair in pairs for file in pair[1:] if file]
    before = reading.state(root, names)
    parts = _parts(pairs, form, transposed)
    classes: list[str] = []
    if labels == "stored":
        parts, classes = _labelled(root, pairs, parts, log)
    images = stacks.blocks(parts, form, limit, seed)

    def blocks() -> Iterator[Block]:
        yield from images
        reading.check_unchanged(root, before, reading.state(root, names))

    return Stream(classes, f"the IDX files of the folder {shown(path)}", stacks.count(parts, limit), blocks())


def _pairs(root: Path, labelled: bool) -> list[Pair]:
    found: dict[str, tuple[str, Path]] = {}
    # A file that is there unpacked is taken before the packed one, since it sorts first.
    for file in sorted(root.iterdir()):
        if (match := NAME.fullmatch(file.name)) and file.is_file():
            split = SPLIT_NAMES.get(match["split"], "test")
            first = found.setdefault(split, (match["set"] + match["split"], file))
            if first[0] != match["set"] + match["split"]:
                raise InputError(
                    f"{shown(root)} holds several sets of {split} images ({shown(first[1].name)}, {shown(file.name)}); "
                    "put one into a folder of its own."
                )
    if not found:
        raise ArgumentError(
            f"path is '{shown(root)}', which holds no images in IDX files (such as train-images-idx3-ubyte.gz); name a "
            "folder that does."
        )
    if len({begin.removesuffix(_split_word(begin)) for begin, _ in found.values()}) > 1:
        listed = ", ".join(shown(file.name) for _, file in found.values())
        raise InputError(f"{shown(root)} holds files of several sets ({listed}); put one into a folder of its own.")
    return [
        Pair(split, found[split][1], _labels_of(root, found[split][0]) if labelled else None)
        for split in SPLITS
        if split in found
    ]


def _split_word(begin: str) -> str:
    return next(word for word in ("t10k", *sorted(SPLIT_NAMES, key=len, reverse=True)) if begin.endswith(word))


def _labels_of(root: Path, begin: str) -> Path:
    names = [f"{begin}-labels{mark}idx1-ubyte{ending}" for mark in "-." for ending in ("", ".gz")]
    for name in names:
        if (root / name).is_file():
            return root / name
    raise InputError(f"{shown(root / names[0])} is not there; put it there, packed or not, or set labels to none.")


def _parts(pairs: list[Pair], form: Form, transposed: bool) -> list[stacks.Part]:
    parts = []
    for split, file, _ in pairs:
        with _sound(file), idx_files.unpacked(file) as content:
            start = content.read(idx_files.header_size(3))
            n, height, width = idx_files.shape(start, file, 3, REMEDY)
        idx_files.check_claim((n, height, width), file, REMEDY)
        shape = (n, width, height) if transposed else (n, height, width)
        stacks.checked(file.name, shape, form)
        parts.append(stacks.Part(file.name, split, shape, _opener(file, n, height, width), _to_bytes(transposed), None))
    return parts


def _to_bytes(transposed: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda images, numbers: images.transpose(0, 2, 1) if transposed else images


def _opener(file: Path, n: int, height: int, width: int) -> Callable[[], AbstractContextManager[stacks.Rows]]:
    @contextmanager
    def opened() -> Iterator[stacks.Rows]:
        with _sound(file), idx_files.unpacked(file) as content:
            content.read(idx_files.header_size(3))
            rows = stacks.Sequential(content, np.dtype(np.uint8), (height, width))
            yield rows
            # Nothing may follow the last image; what was not asked for is passed by.
            rows.read(n, n)
            if content.read(1):
                raise InputError(f"{shown(file)} does not have the length that its header gives; {REMEDY}.")

    return opened


@contextmanager
def _sound(file: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        reason = getattr(error, "strerror", None) or "it is damaged or cut off"
        raise InputError(f"{shown(file)} cannot be read ({reason}); {REMEDY}.") from None


def _labelled(
    root: Path, pairs: list[Pair], parts: list[stacks.Part], log: Callable[[str], None]
) -> tuple[list[stacks.Part], list[str]]:
    stored = []
    for pair, part in zip(pairs, parts, strict=True):
        assert pair.labels is not None
        stored.append(_labels(pair.labels, part.shape[0]))
    different = np.unique(np.concatenate(stored)).tolist()
    if len(different) == 1:
        raise ArgumentError(
            f"labels is 'stored', but all images of '{shown(root)}' have one, {different[0]}; set labels to none."
        )
    names = _mapping(root, log)
    rows = {label: row for row, label in enumerate(different)}
    parts = [
        part._replace(labels=[rows[label] for label in labels.tolist()])
        for part, labels in zip(parts, stored, strict=True)
    ]
    classes = [names.get(label, str(label)) for label in different]
    if len(set(classes)) < len(classes):
        raise InputError(f"{shown(root)} holds a mapping that gives two labels one name; correct or remove it.")
    return parts, classes


def _labels(file: Path, n: int) -> np.ndarray:
    with _sound(file), idx_files.unpacked(file) as content:
        # One byte more than there may be, so that a longer file shows.
        values = idx_files.parse(content.read(idx_files.header_size(1) + n + 1), file, 1, REMEDY)
    if len(values) != n:
        raise InputError(f"{shown(file)} holds {len(values)} labels for {n} images; {REMEDY}.")
    return values


def _mapping(root: Path, log: Callable[[str], None]) -> dict[int, str]:
    """Return the characters of each label, where one file gives them."""
    files = sorted(root.glob(MAPPING))
    if len(files) > 1:
        log(f"{shown(root)}: {', '.join(shown(file.name) for file in files)} all name classes; numbers do instead")
    if len(files) != 1:
        return {}
    names: dict[int, str] = {}
    try:
        for line in files[0].read_text(encoding="ascii").splitlines():
            if values := [int(value) for value in line.split()]:
                names[values[0]] = "".join(map(chr, values[1:])) or str(values[0])
    except (OSError, ValueError, OverflowError):
        raise InputError(
            f"{shown(files[0])} is no mapping (on each line a label and the codes of its characters); {REMEDY} or "
            "remove it."
        ) from None
    return names
