"""Write for each stage what decides on it beside its inputs: its modules, and the parameters that its runs share."""

import hashlib
import json
from pathlib import Path

from stages.shared import files
from stages.shared.imports import closure
from stages.shared.parameters import read
from stages.shared.running import run

# Sections of `params.yaml` that hold for every run of a stage. DVC would record them in `dvc.lock` once a run, 47 lines
# of `cluster` 24 times, and parse `params.yaml` once a run; here a run depends on one file.
SHARED = {
    "cluster": ("cluster", "in_memory"),
    "denoise": ("denoise",),
    "embed": ("in_memory",),
    "export": ("export", "generate", "in_memory"),
    "generate": ("generate", "in_memory"),
    "map": ("map",),
    "search": ("search", "in_memory"),
}


def main() -> None:
    """Write `data/fingerprints/<stage>.json`: SHA-256 by module, and shared parameters by section.

    It reads the sources, the parameters `cluster`, `denoise`, `export`, `generate`, `in_memory`, `map` and `search`,
    and no data. A stage whose file stays the same does not run again.
    """
    names = ("cluster", "denoise", "export", "generate", "in_memory", "map", "search")
    found = read("cluster", "denoise", "export", "generate", "in_memory", "map", "search")
    parameters = dict(zip(names, found, strict=True))
    values = {
        name: found if isinstance(found, (int, float)) else found.model_dump() for name, found in parameters.items()
    }
    with files.whole(files.data("fingerprints")) as (folder,):
        for module in sorted(Path("stages").glob("*.py")):
            if module.stem in ("__init__", "fingerprints"):
                continue
            hashes = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in closure(module)}
            shared = {name: values[name] for name in SHARED.get(module.stem, ())}
            # Not by `files.write_json`, which rounds: a change in any digit must show.
            content = json.dumps({"modules": hashes, "parameters": shared}, indent=2, ensure_ascii=False)
            (folder / f"{module.stem}.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
