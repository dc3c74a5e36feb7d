"""One page of everything: what is best for what, every table and figure, the maps, and what they were made with."""

import platform
from collections import defaultdict
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from autoencoders.pages.report import page
from autoencoders.pages.report.page import Block, Picture, Table
from stages.shared import files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

FOLDER = Path("report")
# The blocks of `params.yaml` that hold several, and the others.
GROUPS = ("classifiers", "autoencoders", "representations", "embeddings")
SETTINGS = ("neuron", "learning_rates", "cluster", "search", "map", "generate", "denoise", "sequence")
OF_NETWORKS = ("evaluate", "encode", "cluster", "search", "map", "generate", "denoise")
OF_STAGES = ("summarize", "sequence", "preprocess", "neuron", "learning_rates")
# What a figure shows, by its stage and the start of its name; others are described by their names.
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
SUMMARIES = ("networks", "clustering", "search")
SCORES = ("accuracy", "nmi", "ari")
BEST = {"test accuracy": "max", "test PSNR": "max", "test SSIM": "max", "test loss": "min", "test MSE": "min"}
# How the metrics call what works without a network, and how people do.
FILTERS = {"median": "median filter", "nlm": "non-local means"}
GUESSES = {"last_row": "last row repeated", "mean_image": "mean image", "nearest_image": "nearest training image"}
DRAWN = {"prior": "samples of the prior", "density": "samples of a mixture of codes"}
MEASURES = ("recognised", "evenness", "distance", "psnr", "ssim", "mean_squared_error", "binary_crossentropy")
LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "scikit-learn", "umap-learn", "numpy", "dvc")


def main() -> None:
    recipe, protocol, in_memory, datasets = read("recipe", "protocol", "in_memory", "datasets")
    groups = dict(zip(GROUPS, read("classifiers", "autoencoders", "representations", "embeddings"), strict=True))
    uses = read("neuron", "learning_rates", "cluster", "search", "map", "generate", "denoise", "sequence")
    settings = dict(zip(SETTINGS, uses, strict=True))
    described = [prepared.describe(dataset) for dataset, _ in datasets]
    networks = {**groups["classifiers"], **groups["autoencoders"]}
    order = {about["dataset"]: number for number, about in enumerate(described)}
    tables = {name: files.read_table(files.data("summary", f"{name}.csv")) for name in SUMMARIES}
    tables |= {stage: _metrics(stage, networks) for stage in ("generate", "denoise")}
    tables = {
        name: table.sort_values("dataset", key=lambda datasets: datasets.map(order), kind="stable")
        for name, table in tables.items()
    }
    sequence = files.metrics("sequence.json")
    tables["sequence"] = _scores({"the network": ("lower rows of images", sequence)} if sequence.exists() else {})
    lines = _lines(tables)
    blocks = {group: [_block(name, group[:-1], lines) for name in named] for group, named in groups.items()}
    baselines = {name for name, block in groups["representations"].items() if block.kind != "patch_autoencoder"}
    of_images = [name for name, embedding in groups["embeddings"].items() if embedding.of in baselines]
    report = page.Report(
        title="Autoencoders: results",
        conditions=f"Networks trained by the recipe “{recipe}”; results under the protocol “{protocol}”.",
        data=_data(described),
        findings=_findings(tables, of_images),
        tables=_tables(tables),
        unofficial=[about["dataset"] for about in described if about["source"] not in page.OFFICIAL],
        networks=[*blocks["classifiers"], *blocks["autoencoders"]],
        representations=[block for block in blocks["representations"] + blocks["embeddings"] if block.pictures],
        stages=[block for block in map(_stage, OF_STAGES) if block.pictures],
        parameters=[
            Table("general", _listed({"recipe": recipe, "protocol": protocol, "in_memory": in_memory})),
            *(Table(name, _beside(named)) for name, named in {"datasets": dict(datasets), **groups}.items() if named),
            *(Table(name, _listed(block.model_dump())) for name, block in settings.items()),
        ],
        sources=[f"{about['dataset']}: {about['origin']}" for about in described],
        versions=Table("Versions", _versions()),
    )
    with files.whole(FOLDER) as (folder,):
        (folder / "index.html").write_text(page.page(report), encoding="utf-8", newline="\n")
    size = (FOLDER / "index.html").stat().st_size
    print(f"{FOLDER / 'index.html'}: {size / 1e6:.1f} MB")


def _data(described: list[dict]) -> Table:
    rows = [
        {"data set": about["dataset"], "source": about["source"]}
        | {f"{split} images": count for split, count in about["images"].items()}
        | {"classes": len(about["classes"]), "origin": about["origin"]}
        for about in described
    ]
    return Table("The data", pd.DataFrame(rows))


def _metrics(stage: str, networks: dict[str, BaseModel]) -> pd.DataFrame:
    """Return a row for each network that has metrics of this stage, in the order of `params.yaml`."""
    paths = {name: (network.dataset, files.metrics(stage, f"{name}.json")) for name, network in networks.items()}
    return _scores({name: found for name, found in paths.items() if found[1].exists()})


def _scores(paths: dict[str, tuple[str, Path]]) -> pd.DataFrame:
    rows = [{"network": name, "dataset": of, **files.read_json(path)} for name, (of, path) in paths.items()]
    return pd.DataFrame(rows, columns=None if rows else ["network", "dataset"])


def _findings(tables: dict[str, pd.DataFrame], of_images: list[str]) -> list[page.Finding]:
    networks, searches, clustered = tables["networks"], tables["search"], tables["clustering"]
    # An embedding of pixels needs no network either; a code that stays below it has not won.
    clustered = clustered.assign(kind=clustered["kind"].mask(clustered["representation"].isin(of_images), "baseline"))
    deepest = searches["k"].max()
    precise = searches[searches["k"] == deepest]
    return [
        *page.leaders(networks, "Reconstruction", "test PSNR", "dB PSNR"),
        *page.contests(clustered, "Clustering", "accuracy", "accuracy", "clustering"),
        *page.contests(precise, "Search", "precision", f"precision at {deepest}", "metric"),
        *_gains(tables["denoise"], "Denoising", FILTERS, "dB PSNR over the best filter"),
        *page.leaders(_drawn(tables["generate"]), "Samples", "recognised", "recognised as some class"),
        *_gains(tables["sequence"], "Prediction", GUESSES, "dB PSNR over the best guess"),
        *page.leaders(networks, "Classification", "test accuracy", "test accuracy"),
    ]


def _gains(rows: pd.DataFrame, purpose: str, rivals: dict[str, str], measure: str) -> list[page.Finding]:
    columns = {f"{key}_psnr": name for key, name in rivals.items() if f"{key}_psnr" in rows}
    return page.gains(rows, purpose, "network_psnr", columns, measure)


def _drawn(generated: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each way in which a network draws samples."""
    rows = [
        {
            "dataset": row["dataset"],
            "network": f"{row['network']}, {name}",
            "recognised": row[f"{kind}_recognised"],
            "note": f"Evenness over the classes: {row[f'{kind}_evenness']:.2f} of 1. "
            f"Of real test images, {row['test_recognised']:.3f} are recognised.",
        }
        for row in generated.to_dict("records")
        for kind, name in DRAWN.items()
        if pd.notna(row.get(f"{kind}_evenness"))
    ]
    return pd.DataFrame(rows, columns=["dataset", "network", "recognised", "note"])


def _tables(tables: dict[str, pd.DataFrame]) -> list[Table]:
    networks = tables["networks"]
    classify = networks["test accuracy"].notna() if "test accuracy" in networks else networks["network"].isna()
    found = []
    for title, rows in (("Autoencoders", networks[~classify]), ("Classifiers", networks[classify])):
        best = {column: way for column, way in BEST.items() if column in rows}
        rows, note = _arranged(rows, ("network", "dataset", *best, "code size"), ("source", "recipe"))
        found.append(Table(title, rows, f"{note}The best of each data set in bold.", best=best, within="dataset"))
    for dataset, rows in tables["clustering"].groupby("dataset", sort=False):
        first = ("representation", "clustering", "kind", *SCORES)
        rows, note = _arranged(rows.drop(columns="dataset"), first, ("scored",))
        rows = rows.rename(columns={"nmi": "NMI", "ari": "ARI"})
        spreads = {"accuracy": "accuracy_std", "NMI": "nmi_std", "ARI": "ari_std"}
        note += "Means and standard deviations over seeds."
        found.append(Table(f"Clustering of {dataset}", rows, note, spreads, dict.fromkeys(spreads, "max")))
    for dataset, rows in tables["search"].groupby("dataset", sort=False):
        rows, columns = _by_depth(rows)
        note = "Share of the nearest training images that are of the query's class."
        found.append(Table(f"Search of {dataset}", rows, note, best=dict.fromkeys(columns, "max")))
    for name, title, note in (
        (
            "generate",
            "Generated samples",
            "What a classifier recognises, how evenly, and how far from training images.",
        ),
        ("denoise", "Denoising", "Of test images, at the noise that each network was trained with."),
        ("sequence", "Prediction of the lower rows of images", "From the upper rows."),
    ):
        found.append(Table(title, _by_kind(tables[name]), note))
    return [table for table in found if len(table.frame)]


def _by_kind(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each network and what is measured beside it, a column a measure, of keys `<kind>_<measure>`."""
    names = FILTERS | GUESSES | DRAWN
    found: dict[tuple, dict] = {}
    for row in rows.to_dict("records"):
        for key, value in row.items():
            measure = next((measure for measure in MEASURES if key.endswith(f"_{measure}")), None)
            if measure and pd.notna(value):
                kind = key.removesuffix(f"_{measure}")
                line = {"network": row["network"], "of": names.get(kind, _spoken(kind))}
                found.setdefault(tuple(line.values()), line)[_spoken(measure)] = value
    return pd.DataFrame(found.values()).rename(columns={"psnr": "PSNR", "ssim": "SSIM"})


def _arranged(rows: pd.DataFrame, first: tuple[str, ...], said: tuple[str, ...]) -> tuple[pd.DataFrame, str]:
    """Put columns first, and move those of `said` that are the same in every row into a note."""
    same = [column for column in said if column in rows and rows[column].nunique(dropna=False) == 1]
    leading = [column for column in first if column in rows]
    note = "; ".join(f"{column}: {_spoken(rows[column].iloc[0])}" for column in same).capitalize()
    return rows[[*leading, *rows.columns.difference([*leading, *same], sort=False)]], note and f"{note}. "


def _spoken(name: str) -> str:
    return name.replace("held_out", "held-out").replace("_", " ")


def _by_depth(searches: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return a row a representation, a column a metric and depth; and the names of these columns."""
    labelled = searches.assign(column=searches["metric"] + ", at " + searches["k"].astype(str))
    keys, columns = ["representation", "kind"], labelled["column"].unique().tolist()
    table = labelled.pivot(index=keys, columns="column", values="precision")
    order = pd.MultiIndex.from_frame(labelled[keys].drop_duplicates())
    return table.loc[order, columns].reset_index(), columns


def _lines(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return for each network and representation the best that is known of it, in a line."""
    forms = {"test PSNR": "{:.1f} dB PSNR", "test accuracy": "test accuracy {:.3f}", "code size": "code of {:,.0f}"}
    parts = defaultdict(list)
    for row in tables["networks"].to_dict("records"):
        parts[row["network"]] += [form.format(row[key]) for key, form in forms.items() if pd.notna(row.get(key))]
    for name, best in tables["clustering"].groupby("representation")["accuracy"].max().items():
        parts[name].append(f"clustering accuracy up to {best:.3f}")
    return {name: " · ".join(known) for name, known in parts.items()}


def _block(name: str, kind: str, lines: dict[str, str]) -> Block:
    pictures = [picture for stage in OF_NETWORKS for picture in _pictures(stage, name)]
    html = files.data("maps", name, "map.html")
    latent_map = html.read_text(encoding="utf-8") if html.exists() else ""
    return Block(name, kind, lines.get(name, ""), pictures, latent_map)


def _stage(stage: str) -> Block:
    folder = files.plots(stage)
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.exists() else []
    pictures = [*_pictures(stage), *(picture for name in inside for picture in _pictures(stage, name))]
    return Block(stage, "stage", "", pictures)


def _pictures(stage: str, *name: str) -> list[Picture]:
    found = []
    for path in sorted(files.plots(stage, *name).glob("*.png")):
        words = path.stem.replace("-", " ").replace("_", " ")
        caption = CAPTIONS.get((stage, path.stem), f"{stage.replace('-', ' ')}: {words}".capitalize())
        found.append(Picture(path.read_bytes(), caption, ": ".join([*name, caption])))
    return found


def _beside(blocks: dict[str, BaseModel]) -> pd.DataFrame:
    """Return a row a block, a column a parameter that any of them has."""
    return pd.DataFrame([{"name": name, **_flat(block.model_dump())} for name, block in blocks.items()], dtype=object)


def _listed(values: dict) -> pd.DataFrame:
    return pd.DataFrame(_flat(values).items(), columns=["parameter", "value"], dtype=object)


def _flat(values: dict, prefix: str = "") -> dict[str, object]:
    """Return nested mappings as one, by dotted keys; null is a value like others."""
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            simple = isinstance(value, (bool, int, float))
            found[prefix + key] = value if simple else "null" if value is None else _words(value)
    return found


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else "none" if value == {} else str(value)


def _versions() -> pd.DataFrame:
    """Return the versions of Python and of what decides on results, without importing any of it."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        # TensorFlow goes by one name or the other.
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return pd.DataFrame(found.items(), columns=["package", "version"])


if __name__ == "__main__":
    run(main)
