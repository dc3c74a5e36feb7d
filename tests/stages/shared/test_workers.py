"""Work on real workers of a Dask cluster, in processes of their own, and what fails there."""

import os
import platform
import resource
import shutil
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import clusters
import numpy as np
import pytest
from small import ROOT

from autoencoders.core.engines import computed_by, in_order
from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows, summed
from stages.shared import filling
from stages.shared.files import StoredArray
from stages.shared.filling import fill

pytest.importorskip("distributed")
import cloudpickle  # noqa: E402

from stages.shared import workers  # noqa: E402

pytestmark = pytest.mark.cluster
# Workers have the project and not its tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def joined():
    """A function that joins a cluster, left at the end of the test; its lines are in `said`."""
    made = []

    def join(address: str) -> workers.Cluster:
        engine = workers.Cluster(address, lambda line: said.append(line))
        made.append(engine)
        return engine

    said = join.said = []
    yield join
    for engine in made:
        engine.close()


def slowly(folder: Path, item: int) -> int:
    """Wait while there is a file `wait` in the folder, and leave a mark that says in which process."""
    (folder / f"{item}-{os.getpid()}").touch()
    while (folder / "wait").exists():
        time.sleep(0.01)
    return item**2


def begun(folder: Path) -> set[int]:
    return {int(mark.name.split("-")[1]) for mark in folder.glob("*-*")}


def test_results_come_in_order_from_other_processes_and_a_bounded_number_of_items_is_taken(dask, joined, tmp_path):
    taken = []

    def items():
        for item in range(300):
            taken.append(item)
            yield item

    found = in_order(partial(slowly, tmp_path), items(), joined(dask.address))
    assert [next(found) for _ in range(3)] == [0, 1, 4]
    # At most twice as many a task as in the one before, and two tasks a thread.
    assert len(taken) < 50
    assert list(found) == [item**2 for item in range(3, 300)]
    assert begun(tmp_path) <= {worker.pid for worker in dask.workers}
    (line,) = joined.said
    assert line.startswith(f"on the cluster at {dask.address}, which has ") and "dashboard: http://127.0.0.1:" in line


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_tasks_grow_to_a_second_each_and_become_shorter_towards_the_end(threads):
    portions, sizes = workers._Portions(range(1000)), []
    while portion := portions.take(threads):
        assert portion == list(range(sum(sizes), sum(sizes) + len(portion)))
        sizes.append(len(portion))
        portions.took(0.02 * len(portion), len(portion))
    assert sum(sizes) == 1000
    longest = sizes.index(max(sizes))
    assert sizes[:longest] == [2**number for number in range(longest)]
    assert sizes[longest:] == sorted(sizes[longest:], reverse=True) and 15 <= sizes[longest] <= 50
    # What the last task takes is what the other workers may wait for.
    assert sizes[-1] * 0.02 <= 0.1


def test_until_a_result_is_there_tasks_have_one_item_so_that_all_workers_get_some():
    portions = workers._Portions(range(1000))
    assert [len(portions.take(8)) for _ in range(16)] == [1] * 16


def test_tasks_grow_from_one_item_where_their_number_is_not_known_and_a_slow_item_makes_them_shorter():
    portions = workers._Portions(iter(range(1000)))
    sizes = []
    for seconds in (0.001, 0.001, 0.001, 0.5):
        sizes.append(len(portions.take(2)))
        portions.took(seconds * sizes[-1], sizes[-1])
    assert sizes == [1, 2, 4, 8]
    assert len(portions.take(2)) == 2


def faults_of_blocks(item: int) -> int:
    """Return the page faults of this process while arrays of a block's size are made and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        kept = [np.ones(250_000) for _ in range(3)]
    assert kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_worker_uses_the_memory_of_freed_arrays_again(dask, joined):
    # An array has 489 pages, the 300 of an item 146,700. Without, many of them are fresh each time.
    assert max(in_order(faults_of_blocks, range(4), joined(dask.address))) < 10_000


def test_sums_are_the_same_bytes_as_in_this_process(dask, joined, tmp_path, monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 10)
    values = np.random.default_rng(0).normal(size=(3000, 40))
    np.save(tmp_path / "values.npy", values)
    stored = Rows(StoredArray(tmp_path / "values.npy"))

    def products(rows: slice) -> tuple[np.ndarray]:
        return (stored[rows].T @ stored[rows],)

    (here,) = summed(products, len(values), part=5)
    with computed_by(joined(dask.address)):
        (there,) = summed(products, len(values), part=5)
    assert there.tobytes() == here.tobytes()


def test_workers_write_their_rows_and_the_file_has_its_name_when_it_is_whole(dask, joined, tmp_path, monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 10)
    monkeypatch.chdir(tmp_path)
    np.save("values.npy", np.arange(300, dtype=np.float32).reshape(100, 3))
    stored, seen = StoredArray(Path("values.npy")), []

    def doubled(rows: slice) -> np.ndarray:
        return 2 * stored[rows]

    def watch(slices, n, what):
        for rows in slices:
            yield rows
            seen.append((rows.stop, Path("doubled.npy").exists()))

    with computed_by(joined(dask.address)):
        fill(Path("doubled.npy"), (100, 3), np.float32, doubled, watch)
    assert (np.load("doubled.npy") == 2 * np.load("values.npy")).all()
    assert seen == [(stop, False) for stop in range(10, 101, 10)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["doubled.npy", "values.npy"]


def test_a_mistake_of_the_user_that_a_worker_finds_is_told_as_here(dask, joined):
    def refuse(item: int) -> None:
        raise InputError(f"item {item} is wrong; give another one.")

    with pytest.raises(InputError, match=r"^item 0 is wrong; give another one\.$"):
        list(in_order(refuse, range(9), joined(dask.address)))


def test_a_full_disk_is_one_sentence_that_names_the_worker(dask, joined):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("the system has no /dev/full")
    write = filling._Filled(full, 0, (20, 3), np.dtype(np.float32), lambda rows: np.ones((10, 3), np.float32))
    with pytest.raises(
        InputError, match=r"^The worker tcp://127.0.0.1:\d+ could not go on \(.*No space left on device"
    ):
        list(in_order(write, [slice(0, 10), slice(10, 20)], joined(dask.address)))


def test_a_worker_with_another_version_of_the_project_is_refused_before_it_works(joined, tmp_path):
    other = tmp_path / "other"
    for package in ("autoencoders", "stages"):
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    changed = other / "autoencoders/core/rows.py"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with clusters.cluster(tmp_path / "cluster", 0) as started:
        started.add(1, other)
        sentence = r"^The worker tcp://\S+ has another version of the project or its packages \(modules \w+ instead of"
        with pytest.raises(InputError, match=sentence):
            list(in_order(partial(slowly, tmp_path), range(9), joined(started.address)))
    assert not begun(tmp_path)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="kernels of x86 processors are named")
def test_a_worker_that_computes_with_the_kernels_of_another_processor_is_refused_before_it_works(joined, tmp_path):
    with clusters.cluster(tmp_path / "cluster", 0) as started:
        started.add(1, OPENBLAS_CORETYPE="Sandybridge")
        sentence = r"^The worker tcp://\S+ computes with the kernels of another kind of processor \(.*Sandybridge"
        with pytest.raises(InputError, match=sentence):
            list(in_order(partial(slowly, tmp_path), range(9), joined(started.address)))
    assert not begun(tmp_path)


def test_work_waits_for_a_worker_that_joins_late_goes_on_without_one_that_is_killed_and_a_lost_scheduler_ends_it(
    joined, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "LOOK", 0.2)
    (tmp_path / "wait").touch()
    with clusters.cluster(tmp_path / "cluster", 0) as started:
        engine, found = joined(started.address), []
        work = threading.Thread(target=lambda: found.extend(in_order(partial(slowly, tmp_path), range(40), engine)))
        work.start()
        clusters.until(lambda: any("has no worker; waiting" in line for line in joined.said))
        started.add()
        clusters.until(lambda: len(begun(tmp_path)) == 1)
        started.add()
        started.kill()
        clusters.until(lambda: len(begun(tmp_path)) == 2)
        (tmp_path / "wait").unlink()
        work.join(180)
        assert found == [item**2 for item in range(40)]

        lost = in_order(partial(slowly, tmp_path), range(1000), engine)
        assert next(lost) == 0
        started.scheduler.send_signal(signal.SIGKILL)
        with pytest.raises(InputError, match=f"^The scheduler at {started.address} is lost"):
            list(lost)


def test_a_task_whose_workers_die_is_tried_again_and_not_for_ever(joined, tmp_path, monkeypatch):
    def dies(item: int) -> int:
        # The first two times that it is tried.
        for number in range(2):
            if not (tmp_path / f"{item}-died-{number}").exists():
                (tmp_path / f"{item}-died-{number}").touch()
                os._exit(1)
        return item

    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    monkeypatch.setattr(workers, "LOOK", 0.2)
    monkeypatch.setattr(workers, "IN_FLIGHT", 1)
    with clusters.cluster(tmp_path / "cluster", 3) as started:
        engine = joined(started.address)
        (tmp_path / "1-died-0").touch()
        (tmp_path / "1-died-1").touch()
        assert list(in_order(dies, [0, 1], engine)) == [0, 1]
        monkeypatch.setattr(workers, "KILLED_TASKS", 1)
        with pytest.raises(InputError, match="^Workers of the cluster at .* died .* times of one task"):
            list(in_order(dies, [2, 1], engine))


def test_no_scheduler_at_an_address_is_one_sentence(joined, closed, monkeypatch):
    monkeypatch.setattr(workers, "CONNECT", 1)
    address = closed.replace("http", "tcp").rstrip("/")
    with pytest.raises(InputError, match=f"^No scheduler answers at '{address}'"):
        list(in_order(str, range(3), joined(address)))
