"""Run the graph's independent branches side by side, then what joins them: `dvc repro`, a process for each data set.

DVC runs one stage at a time, but lets several `dvc repro` of different stages run at once; a stage on small data is
mostly Python starting up, on one core. On Linux stages are forks of one process that has started up (`tools/forks.py`).
"""

import fnmatch
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType

import networkx
from dvc.exceptions import DvcException
from dvc.repo import Repo

from tools.forks import forks

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


def targets(names: Sequence[str], everything: Collection[str]) -> list[str]:
    """Return the arguments of `dvc repro` that name these stages: one pattern, if it matches no other.

    DVC reads `dvc.lock` anew for each argument, which takes a quarter of a second in the default graph. It takes what a
    pattern matches in the order of `dvc.yaml`, where dependencies come first.

    Parameters
    ----------
    names : sequence of str
        Dependencies first.
    everything : collection of str
        The names of all stages of the graph.
    """
    pattern = f"*@{os.path.commonprefix([name.partition('@')[2] for name in names])}*"
    return ["--glob", pattern] if set(fnmatch.filter(everything, pattern)) == set(names) else [*names]


class Processes:
    """Processes that a signal to this one stops too.

    Each has a group of its own, with all that it starts. Whatever the signal, the group gets SIGINT: DVC waits for its
    stage then and leaves no lock behind, and the stage leaves no half of an output.

    Parameters
    ----------
    python : Path, optional
        The folder of the `python` that they find first.

    Attributes
    ----------
    stopped_by : int or None
        The first signal.
    """

    def __init__(self, python: Path | None = None) -> None:
        path = [str(python)] if python else []
        self._environment = {**os.environ, "PATH": os.pathsep.join([*path, os.environ["PATH"]])}
        self.stopped_by: int | None = None
        self._running: list[subprocess.Popen] = []
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._stop)
        # Scripts ignore SIGINT in what they run in the background, and processes inherit that, but no handler: this one
        # ignores it too and leaves it to the processes.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda number, frame: None)

    def run(self, *commands: Sequence[str]) -> list[int]:
        """Run commands side by side and return their exit codes; after a signal, those that were started."""
        self._running = []
        for command in commands:
            if self.stopped_by is None:
                self._running.append(subprocess.Popen(command, env=self._environment, process_group=0))
                # One that the signal came too early for.
                if self.stopped_by is not None:
                    self._interrupt()
        return [process.wait() for process in self._running]

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped_by = self.stopped_by or number
        self._interrupt()

    def _interrupt(self) -> None:
        for process in self._running:
            if process.poll() is None:
                # It may end meanwhile.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)


def main() -> int:
    """Reproduce the pipeline and return the exit code of `dvc repro`; after a signal, 128 and its number."""
    try:
        with Repo() as repo:
            everything = [stage.addressing for stage in repo.index.graph]
            side_by_side = [targets(names, everything) for names in branches(repo.index.graph)]
    except DvcException as error:
        unpacked = not Path(".git").exists()
        todo = "run `git init` there first, since DVC needs Git" if unpacked else "`dvc status` says more"
        print(f"error: {str(error).splitlines()[0].rstrip('.')}; {todo}.", file=sys.stderr)
        return 1
    # Elsewhere a fork may not go on with what its parent imported.
    with forks(Path.cwd()) if sys.platform == "linux" else nullcontext() as python:
        processes = Processes(python)
        if (os.cpu_count() or 1) > 1 and processes.run(["dvc", "repro", FIRST]) == [0]:
            # By themselves, without `fingerprints`, which all of them depend on.
            command = ["dvc", "--wait-for-lock", "repro", "--single-item"]
            processes.run(*([*command, *names] for names in side_by_side))
        # What failed above fails again here, and says so last.
        codes = processes.run(["dvc", "repro"])
    if processes.stopped_by is not None:
        print(f"stopped by {signal.Signals(processes.stopped_by).name}", file=sys.stderr)
        return 128 + processes.stopped_by
    return codes[0]


if __name__ == "__main__":
    sys.exit(main())
