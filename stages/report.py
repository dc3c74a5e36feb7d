"""One page of all results: the best for each purpose, every table and figure, the maps, and how they were made."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from autoencoders.pages.report import page, settings
from autoencoders.pages.report.page import Picture, Section, Table
from autoencoders.pages.summary.findings import Finding, headlines
from autoencoders.pages.summary.tables import TEXTS, Summary, presented
from stages.shared import files, leftovers, prepared
from stages.shared.parameters import read, whole
from stages.shared.running import run

FOLDER = Path("report")
# Sections of `params.yaml`: single values, those that hold several of a kind, and the others.
GENERAL = ("recipe", "protocol", "in_memory")
GROUPS = (
    "datasets",
    "classifiers",
    "autoencoders",
    "representations",
    "embeddings",
    "neuron",
    "learning_rates",
    "sequence",
)
USES = ("cluster", "search", "map", "generate", "denoise")
# What a figure shows, by its stage and file name; others are described by these.
CAPTIONS = {
    ("evaluate", "first-twelve"): "The first training images: label, and below it the prediction",
    ("evaluate", "confusion"): "Test images by class and prediction",
    ("encode", "first-five"): "Training images, their codes and their reconstructions",
    ("encode", "denoised"): "Test images with noise, restored, and clean",
    ("cluster", "central-images"): "Each cluster's decoded centre, and the images nearest to it",
    ("cluster", "classes"): "Test images by cluster and class",
    ("search", "neighbours-cosine"): "Test images and their nearest training images, by cosine",
    ("search", "neighbours-euclidean"): "Test images and their nearest training images, by Euclidean distance",
    ("map", "classes"): "Map of the codes by t-SNE, coloured by class",
    ("map", "clusters"): "Map of the codes by t-SNE, coloured by cluster",
    ("generate", "prior"): "Samples of the network's prior, each beside the training image nearest to it",
    ("generate", "density"): "Samples of a Gaussian mixture of the codes, each beside the training image nearest to it",
    ("generate", "interpolations"): "From one image to another, through the codes between theirs",
    ("generate", "bic"): "Bayesian information criterion by number of the mixture's components",
    ("denoise", "levels"): "Quality of restored images by level of noise, beside filters that learn nothing",
    ("denoise", "restored"): "Noisy images, as the network and as filters restore them, and clean",
    ("sequence", "predictions"): "Upper rows of images, and the lower ones as they are predicted",
    ("preprocess", "first-twelve"): "The first twelve training images",
    ("learning_rates", "losses"): "Training loss of one classifier at several learning rates",
    ("summarize", "psnr"): "Reconstruction of test images by each autoencoder, as PSNR",
}
# TensorFlow has one name or the other.
LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "scikit-learn", "umap-learn", "numpy", "dvc")


def main() -> None:
    """Read `data/summary/`, and the maps and figures of all that the parameters name; write `report/index.html`.

    What lies there of others is removed.

    Raises
    ------
    InputError
        If a table or a data set's description is missing or damaged.
    """
    leftovers.clear(whole())
    keys = (*GENERAL, *GROUPS, *USES)
    parameters = dict(zip(keys, read(*keys), strict=True))
    groups = {group: dict(parameters[group]) for group in GROUPS}
    described = [prepared.describe(dataset) for dataset in groups["datasets"]]
    tables = (files.read_table(files.data("summary", f"{name}.csv"), dtype=TEXTS) for name in Summary._fields)
    summary = Summary(*tables)
    findings = files.read_table(files.data("summary", "findings.csv"), dtype=str)
    generated = {**parameters["generate"].networks, **parameters["generate"].unjudged}
    sections = _sections(groups, headlines(summary), generated, parameters["denoise"].networks)
    general = {key: parameters[key] for key in GENERAL}
    report = page.Report(
        title="Autoencoders: results",
        conditions="Networks trained by the recipe “{recipe}”; results under the protocol “{protocol}”.".format(
            **general
        ),
        data=Table("The data", _data(described)),
        findings=[Finding(*row) for row in findings[list(Finding._fields)].itertuples(index=False)],
        tables=presented(summary),
        # What has no classes has no result that a reader might compare.
        published=any(about["classes"] for about in described),
        unofficial=[
            about["dataset"] for about in described if about["classes"] and about["source"] not in page.OFFICIAL
        ],
        networks=[*sections["classifiers"], *sections["autoencoders"]],
        representations=[
            section for section in (*sections["representations"], *sections["embeddings"]) if section.pictures
        ],
        stages=[section for section in _stages(groups) if section.pictures],
        parameters=[
            Table("general", settings.listed(general)),
            *(Table(group, settings.beside(_dumped(named))) for group, named in groups.items() if named),
            *(Table(use, settings.listed(parameters[use].model_dump())) for use in USES),
        ],
        sources=[f"{about['dataset']}: {about['origin']}" for about in described],
        versions=Table("Versions", settings.versions(LIBRARIES)),
    )
    with files.whole(FOLDER) as (folder,):
        (folder / "index.html").write_text(page.render(report), encoding="utf-8", newline="\n")
    size = (FOLDER / "index.html").stat().st_size
    print(f"{FOLDER / 'index.html'}: {size / 1e6:.1f} MB")


def _sections(
    groups: dict[str, dict], lines: dict[str, str], generate: Mapping, denoise: Mapping
) -> dict[str, list[Section]]:
    """Return what there is of each network and code, by group: figures of the stages that ran on it, and its map."""
    autoencoders, representations = groups["autoencoders"], groups["representations"]
    stages = {
        "evaluate": groups["classifiers"],
        "encode": autoencoders,
        "cluster": {**autoencoders, **representations, **groups["embeddings"]},
        "search": {**autoencoders, **representations},
        "map": autoencoders,
        "generate": generate,
        "denoise": denoise,
    }
    found = {}
    for group in ("classifiers", "autoencoders", "representations", "embeddings"):
        found[group] = [
            Section(
                name,
                kind=group.removesuffix("s"),
                summary=lines.get(name, ""),
                pictures=[picture for stage in stages if name in stages[stage] for picture in _pictures(stage, name)],
                map=_map(name) if name in stages["map"] else "",
            )
            for name in groups[group]
        ]
    return found


def _map(name: str) -> str:
    html = files.data("maps", name, "map.html")
    return html.read_text(encoding="utf-8") if html.exists() else ""


def _data(described: list[dict]) -> pd.DataFrame:
    """Return a row for each data set; where none has classes, without a column of them."""
    rows = []
    for about in described:
        counts = {f"{split} images": count for split, count in about["images"].items()}
        row = {"data set": about["dataset"], "source": about["source"], **counts}
        row |= {"equal images": about["equal"], "unreadable files": about["unreadable"]}
        rows.append({**row, "classes": len(about["classes"]) or "none", "origin": about["origin"]})
    table = pd.DataFrame(rows)
    # Of most data sets there are none to speak of.
    table = table.drop(columns=[name for name in ("equal images", "unreadable files") if not table[name].any()])
    return table if any(about["classes"] for about in described) else table.drop(columns="classes")


def _dumped(blocks: Mapping) -> dict[str, dict]:
    return {name: block.model_dump() for name, block in blocks.items()}


def _stages(groups: Mapping[str, Mapping]) -> list[Section]:
    """Return the figures of the stages that are run on no network or on all of them."""
    named = {"sequence": "sequence", "neuron": "neuron", "learning_rates": "learning_rates", "preprocess": "datasets"}
    pictures = {"summarize": _pictures("summarize")}
    for stage, group in named.items():
        pictures[stage] = [picture for name in groups[group] for picture in _pictures(stage, name)]
    return [Section(stage, "stage", "", shown) for stage, shown in pictures.items()]


def _pictures(stage: str, *name: str) -> list[Picture]:
    found = []
    for path in sorted(files.plots(stage, *name).glob("*.png")):
        plain = f"{stage}: {path.stem}".replace("-", " ").replace("_", " ").capitalize()
        caption = CAPTIONS.get((stage, path.stem), plain)
        found.append(Picture(path.read_bytes(), caption, ": ".join([*name, caption])))
    return found


if __name__ == "__main__":
    run(main)
