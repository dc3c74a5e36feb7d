"""Clearing away what was made of networks and codes that the parameters no longer name.

DVC never deletes what a removed stage left. A stage that depends on a whole folder would take it for an input, another
checkout would lack it, and `dvc metrics show` would print it.
"""

from pathlib import Path

from stages.shared import files
from stages.shared.settings.whole import Parameters

CODES = ("autoencoders", "representations", "embeddings")
# By folder of `data/` and by stage, which has folders in `plots/` and `metrics/`: the mappings whose entries' names are
# those of its files and folders.
DATA = {
    "predictions": ("classifiers",),
    "codes": CODES,
    "clusters": CODES,
    "neighbours": ("autoencoders", "representations"),
    "maps": ("autoencoders",),
    "samples": ("generate.networks", "generate.unjudged"),
    "denoised": ("denoise.networks",),
    "sequence": ("sequence",),
    "inventories": ("addresses",),
    "raw": ("datasets",),
    "prepared": ("datasets",),
}
STAGES = {
    "neuron": ("neuron",),
    "preprocess": ("datasets",),
    "learning_rates": ("learning_rates",),
    "sequence": ("sequence",),
    "train": ("classifiers", "autoencoders"),
    "evaluate": ("classifiers",),
    "encode": ("autoencoders",),
    "cluster": CODES,
    "search": ("autoencoders", "representations"),
    "map": ("autoencoders",),
    "generate": ("generate.networks", "generate.unjudged"),
    "denoise": ("denoise.networks",),
    "export": ("export.networks",),
}


def clear(parameters: Parameters) -> None:
    """Remove the files and folders of stages' entries that `parameters` do not name, and say which."""
    for folder, names in kept(parameters).items():
        _clear(folder, names)


def kept(parameters: Parameters) -> dict[Path, set[str]]:
    """Return the folders that have a file or folder for each entry of a mapping, and the names of these."""
    every = ("addresses", "datasets", "neuron", "classifiers", "learning_rates", "sequence", *CODES)
    groups = {group: set(getattr(parameters, group)) for group in every}
    groups |= {f"{use}.networks": set(getattr(parameters, use).networks) for use in ("generate", "denoise", "export")}
    groups["generate.unjudged"] = set(parameters.generate.unjudged)

    def named(mappings: tuple[str, ...]) -> set[str]:
        return {name for mapping in mappings for name in groups[mapping]}

    folders = {files.models(): named(("classifiers", "autoencoders", "sequence"))}
    folders[files.exports()] = named(("export.networks",))
    folders |= {files.data(what): named(mappings) for what, mappings in DATA.items()}
    for stage, mappings in STAGES.items():
        folders |= {files.metrics(stage): named(mappings), files.plots(stage): named(mappings)}
    return folders


def _clear(folder: Path, names: set[str]) -> None:
    """Remove what lies in a folder under other names or was being written by a killed stage; then an empty folder."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(files.PARTIAL):
            files.remove(path)
        # Other hidden files are those of the user's system.
        elif path.name[0] != "." and path.name.partition(".")[0] not in names:
            files.remove(path)
            print(f"{path} is removed: params.yaml names no such entry.")
    if not any(folder.iterdir()):
        folder.rmdir()
