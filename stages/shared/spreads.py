"""How far the seeds of networks move scores, as `docs/results/stability.csv` has it, and for which parameters.

`python -m benchmarks stability` measures it. A row holds for the parameters that it was measured with: its `conditions`
are a hash of all that decide on a score, and another hash makes it a row of something else.
"""

import hashlib
import json
from pathlib import Path

import pandas as pd

from stages.shared import files
from stages.shared.settings.whole import Parameters

FILE = Path("docs/results/stability.csv")
# `measured`: what a row's deviations are over. Layouts are those of one embedding after rounding errors of its code.
SEEDS, LAYOUTS = "seeds", "layouts"


def spreads(parameters: Parameters) -> pd.DataFrame:
    """Return the deviations that hold for these parameters, as `pages.summary.spreads.widened` takes them.

    Where there is no file there are no rows.
    """
    if not FILE.is_file():
        return pd.DataFrame(columns=["representation", "clustering", "over"])
    rows = files.read_table(FILE, dtype=dict.fromkeys(("representation", "clustering", "of", "conditions"), str))
    rows = rows[rows["measured"].isin((SEEDS, LAYOUTS))]
    known = [
        _known(parameters, name, form) and conditions(parameters, name, form) == measured
        for name, form, measured in zip(rows["representation"], rows["clustering"], rows["conditions"], strict=True)
    ]
    rows = rows[known]
    return rows.assign(over=rows["runs"].astype(str) + " " + rows["measured"] + " of " + rows["of"])


def conditions(parameters: Parameters, name: str, form: str) -> str:
    """Return twelve hexadecimal digits that stand for what decides on the scores of one clustering of one code.

    That are the data set, the code's own parameters and those of the code that it embeds, the form of clustering and
    its clusterer's parameters. The seed of what was learned is not among them.
    """
    blocks, cluster = _blocks(parameters), parameters.cluster
    made = [blocks[name]]
    if hasattr(made[0], "of"):
        made.append(blocks[made[0].of])
    how = cluster.clusterings[form]
    decide = {
        "protocol": parameters.protocol,
        "dataset": dict(parameters.datasets)[made[0].dataset].model_dump(),
        "made": [block.model_dump(exclude={"seed"}) for block in made],
        "form": how.model_dump(),
        "clusterer": [cluster.n_clusters, cluster.seeds, cluster.seed, getattr(cluster, how.clusterer).model_dump()],
    }
    return hashlib.sha256(json.dumps(decide, sort_keys=True).encode()).hexdigest()[:12]


def _blocks(parameters: Parameters) -> dict:
    return {**parameters.representations, **parameters.embeddings, **parameters.autoencoders}


def _known(parameters: Parameters, name: str, form: str) -> bool:
    return name in _blocks(parameters) and form in parameters.cluster.clusterings
