"""What each command of `autoencoder` does with its options; each returns the exit code."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from applied import outputs
from applied.approximate import BUILDING_PAYS, EXACT_UP_TO, chosen
from applied.encoder import Encoder
from applied.index import Index
from applied.inputs import Batch, Inputs
from applied.progress import watched
from applied.search import nearest
from applied.standard_input import named
from autoencoders.core.errors import InputError
from autoencoders.sources.names import shown
from autoencoders.uses.inverted_lists import available

# Images that are also searched for exactly, where nothing says what an approximate search finds.
RECALL_OF = 64


class Given:
    """The images that a command line names, batch by batch, and what is said of them on standard error."""

    def __init__(self, options: argparse.Namespace, encoder: Encoder, paths: list[str] | None = None):
        self._quiet = options.quiet
        self.inputs = Inputs(
            named(options.paths) if paths is None else paths,
            encoder.manifest["images"],
            options.unreadable,
            tuple(options.range) if options.range else None,
            self.say,
        )

    def __iter__(self) -> Iterator[Batch]:
        n = skipped = 0
        for batch in watched(self.inputs, self.inputs.total, self._quiet):
            for skip in batch.skipped:
                skipped += 1
                self.say(f"left out: {shown(skip.file)} {skip.reason}")
            if len(batch.images):
                n += len(batch.images)
                yield batch
        if not n:
            raise InputError("None of the images can be read; name others.")
        if self.inputs.remark:
            self.say(self.inputs.remark)
        if skipped:
            self.say(f"{skipped:,} of {n + skipped:,} images left out, which cannot be read.")

    def say(self, line: str) -> None:
        """Print a line on standard error, unless the user wants none."""
        if not self._quiet:
            print(line, file=sys.stderr, flush=True)


def encode(options: argparse.Namespace) -> int:
    """Write the codes of images."""
    table = _table(options, ".npy")
    encoder = Encoder.load(options.export)
    given = Given(options, encoder)
    found = ((encoder.encode(batch.images, prepared=True), _names(batch)) for batch in given)
    if table is not None and table.suffix.lower() == ".npy":
        outputs.write_codes(table, encoder.width, found, options.overwrite)
        return 0
    columns = ["file", "image", *(f"code_{place}" for place in range(encoder.width))]
    rows = ([*names, *_numbers(code)] for codes, listed in found for names, code in zip(listed, codes, strict=True))
    outputs.write_table(table, columns, rows, options.overwrite)
    return 0


def assign(options: argparse.Namespace) -> int:
    """Write the clusters of images."""
    table = _table(options)
    encoder = Encoder.load(options.export)

    def rows() -> Iterator[list[Any]]:
        for batch in Given(options, encoder):
            found = encoder.assign(batch.images, prepared=True)
            for names, cluster, distance, farther in zip(_names(batch), *found, strict=True):
                yield [*names, int(cluster), *_numbers([distance, farther])]

    outputs.write_table(table, ["file", "image", "cluster", "distance", "farther"], rows(), options.overwrite)
    return 0


def search(options: argparse.Namespace) -> int:
    """Write the nearest images to each image."""
    table = _table(options)
    encoder = Encoder.load(options.export)
    given, index = Given(options, encoder), encoder.index
    if options.index is not None:
        place = Path(options.index)
        plain = place.suffix.lower() == ".npy" or (place / "manifest.json").is_file()
        images = None if plain else Given(options, encoder, [options.index]).inputs
        index = Index.of_path(place, encoder, images)
    if index is not None:
        index = _searched(options, given, index)
    columns = ["file", "image", "rank", "distance", "row"]
    listing = {} if index is None else index.listing

    # The export's own index says itself what it lacks.
    where = None if options.index is None else index

    def rows() -> Iterator[list[Any]]:
        for number, batch in enumerate(given):
            codes = encoder.encode(batch.images, prepared=True)
            found = encoder.search_codes(codes, options.k, options.metric, where, approximate=options.approximate)
            if not number and index is not None:
                _say_recall(options, given, index, codes, found.rows)
            for names, near, distances in zip(_names(batch), *found, strict=True):
                for rank, (row, distance) in enumerate(zip(near, distances, strict=True), 1):
                    about = [values[row] for values in listing.values()]
                    yield [*names, rank, *_numbers([distance]), int(row), *about]

    outputs.write_table(table, columns + [f"index_{name}" for name in listing], rows(), options.overwrite)
    return 0


def _searched(options: argparse.Namespace, given: Given, index: Index) -> Index:
    """Return the index, to be searched approximately where that is asked for or pays, and say what it lacks."""
    if options.approximate is False or (options.approximate is None and len(index) <= EXACT_UP_TO):
        return index
    if options.approximate is None and not available():
        given.say(
            f"All {len(index):,} codes are compared; run `pip install faiss-cpu` for a faster, approximate search, or "
            "write --exact."
        )
        return index
    if index.approximate is not None or options.index is None:
        if index.approximate is None and options.approximate is None:
            given.say(f"All {len(index):,} codes are compared; an export with `approximate: true` is searched faster.")
        return index
    if options.approximate or given.inputs.total >= BUILDING_PAYS:
        given.say(f"{len(index):,} codes are put into lists, for an approximate search; --exact does without.")
        return index.with_approximate()
    given.say(f"All {len(index):,} codes are compared; --approximate puts them into lists first, for many images.")
    return index


def _say_recall(options: argparse.Namespace, given: Given, index: Index, codes: np.ndarray, rows: np.ndarray) -> None:
    """Say what share of the nearest codes an approximate search finds: what the export says, or of the first images."""
    if options.quiet or chosen(index, options.approximate) is None:
        return
    known = index.approximate.recalls if index.approximate is not None else {}
    if options.metric in known:
        recall, of = known[options.metric], "10 nearest codes of held-out images, as the manifest says"
    else:
        some = codes[:RECALL_OF]
        exact = nearest(index.codes, some, options.k, options.metric).rows
        recall = float(np.mean([np.isin(one, other).mean() for one, other in zip(exact, rows, strict=False)]))
        of = f"{options.k} nearest codes of the first {len(some)} images"
    given.say(f"An approximate search: it finds {100 * recall:.1f} % of the {of}; --exact compares all codes.")


def reconstruct(options: argparse.Namespace) -> int:
    """Write the reconstructions of images."""
    return _pictures(options, "reconstruct")


def denoise(options: argparse.Namespace) -> int:
    """Write restored images."""
    return _pictures(options, "denoise")


def anomaly(options: argparse.Namespace) -> int:
    """Write the scores of images, the highest first."""
    table = _table(options)
    encoder = Encoder.load(options.export)
    listed, scores, shares = list[list[str]](), list[float](), list[float]()
    for batch in Given(options, encoder):
        found = encoder.anomaly(batch.images, by=options.by, prepared=True)
        listed += _names(batch)
        scores += found.score.tolist()
        shares += found.below.tolist()
    order = np.argsort(-np.array(scores), kind="stable")
    rows = ([*listed[place], *_numbers([scores[place], shares[place]])] for place in order)
    outputs.write_table(table, ["file", "image", "score", "below"], rows, options.overwrite)
    return 0


def generate(options: argparse.Namespace) -> int:
    """Write new images."""
    target = _target(options)
    encoder = Encoder.load(options.export)
    images = outputs.as_bytes(encoder.generate(options.n, options.seed, options.source))
    name = f"{encoder.manifest['network']}-{options.seed}"
    outputs.Pictures(target).write((image, name, str(place)) for place, image in enumerate(images))
    return 0


def verify(options: argparse.Namespace) -> int:
    """Say whether the files are the manifest's, and this machine gives its codes."""
    encoder = Encoder.load(options.export)
    found = encoder.verify()
    name = encoder.manifest["network"]
    if not found.differing:
        print(f"same: the {found.probes} probe images have the codes of the manifest of {name}, to the last bit.")
        return 0
    print(
        f"other codes: {found.differing} of {found.probes} probe images of {name} have other codes than in the "
        f"manifest; numbers differ by up to {found.difference:.3g}, where the largest is {found.largest:.3g}."
    )
    return 1


def serve(options: argparse.Namespace) -> int:
    """Serve the network until the process is told to stop."""
    from applied.serve import run_command

    run_command(options.export, options)
    return 0


def _pictures(options: argparse.Namespace, method: str) -> int:
    target = _target(options)
    encoder = Encoder.load(options.export)

    def images() -> Iterator[tuple[np.ndarray, str, str]]:
        for batch in Given(options, encoder):
            found = outputs.as_bytes(getattr(encoder, method)(batch.images, prepared=True))
            yield from zip(found, batch.files, batch.numbers, strict=True)

    outputs.Pictures(target).write(images())
    return 0


def _target(options: argparse.Namespace) -> Path:
    outputs.check_target(options.out, options.overwrite, folder=options.out.suffix.lower() != ".png")
    return options.out


def _table(options: argparse.Namespace, *more: str) -> Path | None:
    """Return the file to write a table to, None for standard output, before any work is done."""
    if options.out is None or str(options.out) == "-":
        return None
    endings = (".csv", ".parquet", *more)
    suffix = options.out.suffix.lower()
    if suffix not in endings:
        raise InputError(f"--out is {shown(options.out)}, but is to end in {', '.join(endings[:-1])} or {endings[-1]}.")
    outputs.check_target(options.out, options.overwrite)
    if suffix == ".parquet":
        outputs.parquet_modules(options.out)
    if suffix == ".npy":
        outputs.check_target(options.out.with_suffix(".csv"), options.overwrite)
    return options.out


def _names(batch: Batch) -> list[list[str]]:
    return [[file, number] for file, number in zip(batch.files, batch.numbers, strict=True)]


def _numbers(values: Any) -> list[Any]:
    """Return numbers as Python's, whose text gives the same bits again; of NaN there is nothing to write."""
    return [None if np.isnan(value) else float(str(value)) for value in values]
