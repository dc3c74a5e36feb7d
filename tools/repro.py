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

# The stage that every other one depends on. It runs before the branches: DVC lets no two processes look at one stage at
# a time, and refuses instead of waiting.
FIRST = "fingerprints"


def branches(graph: networkx.DiGraph) -> list[list[str]]:
    """Return the names of the stages that come from one data set alone, a list for each, dependencies first.

    Parameters
    ----------
    graph : DiGraph
        DVC's, whose edges lead from a stage to those it depends on.
    """
    graph = graph.subgraph(stage for stage in graph if stage.addressing != FIRST)
    found = defaultdict(list)
    # Edges lead to dependencies, which the postorder therefore visits first.
    for stage in networkx.dfs_postorder_nodes(graph):
        roots = {each.addressing for each in {stage, *networkx.descendants(graph, stage)} if not graph.out_degree(each)}
        # Stages that depend on nothing but their own sources are short, and wait for the end.
        if len(roots) == 1 and roots != {stage.addressing}:
            found[min(roots)].append(stage.addressing)
    return [[root, *names] for root, names in found.items()]


def main() -> int:
    """Reproduce the pipeline and return the exit code of `dvc repro`."""
    if (os.cpu_count() or 1) > 1:
        with Repo() as repo:
            side_by_side = branches(repo.index.graph)
        if subprocess.run(["dvc", "repro", FIRST], check=False).returncode == 0:
            # By themselves, without `fingerprints`, which all of them depend on.
            command = ["dvc", "--wait-for-lock", "repro", "--single-item"]
            running = [subprocess.Popen([*command, *names]) for names in side_by_side]
            for process in running:
                process.wait()
    # What failed above fails again here, and says so last.
    return subprocess.run(["dvc", "repro"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
