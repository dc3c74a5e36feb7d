"""Run the graph's independent branches side by side, then what joins them: `dvc repro`, a process for each data set.

DVC runs one stage at a time, but lets several `dvc repro` of different stages run at once; a stage on small data is
mostly Python starting up, on one core.
"""

import os
import subprocess
import sys
from collections import defaultdict

import networkx
from dvc.repo import Repo

# The stage that every other one depends on. It runs before the branches, which would both run it.
FIRST = "fingerprints"


def branches(graph: networkx.DiGraph) -> list[list[str]]:
    """Return the names of the stages that come from one data set alone, a list for each.

    Parameters
    ----------
    graph : DiGraph
        DVC's, whose edges lead from a stage to those it depends on.
    """
    graph = graph.subgraph(stage for stage in graph if stage.addressing != FIRST)
    found = defaultdict(list)
    for stage in graph:
        roots = {each.addressing for each in {stage, *networkx.descendants(graph, stage)} if not graph.out_degree(each)}
        # Stages that depend on nothing but their own sources are short, and wait for the end.
        if len(roots) == 1 and roots != {stage.addressing}:
            found[min(roots)].append(stage.addressing)
    return list(found.values())


def main() -> int:
    """Reproduce the pipeline and return the exit code of `dvc repro`."""
    if (os.cpu_count() or 1) > 1:
        with Repo() as repo:
            side_by_side = branches(repo.index.graph)
        if subprocess.run(["dvc", "repro", FIRST], check=False).returncode == 0:
            running = [subprocess.Popen(["dvc", "--wait-for-lock", "repro", *names]) for names in side_by_side]
            for process in running:
                process.wait()
    # What failed above fails again here, and says so last.
    return subprocess.run(["dvc", "repro"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
