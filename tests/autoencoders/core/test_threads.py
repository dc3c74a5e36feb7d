import subprocess
import sys
import time

from small import ROOT
from threadpoolctl import threadpool_info, threadpool_limits

from autoencoders.core.threads import one_thread


def numbers_of_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info()}


def test_libraries_are_held_to_one_thread_and_let_go_after():
    decorated = one_thread()(numbers_of_threads)
    with threadpool_limits(2):
        before = numbers_of_threads()
        with one_thread():
            assert numbers_of_threads() == decorated() == {1}
        assert decorated() == {1}
        assert numbers_of_threads() == before != {1}


def test_libraries_that_are_loaded_later_are_held_too():
    code = """
from threadpoolctl import threadpool_info
from autoencoders.core.threads import one_thread
with one_thread():
    assert not threadpool_info()
import numpy
with one_thread():
    assert [library["num_threads"] for library in threadpool_info()] == [1]
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_it_costs_little_for_each_block():
    with one_thread():
        pass
    start = time.process_time()
    for _ in range(100):
        with one_thread():
            pass
    # 0.3 ms each; looking for the libraries each time takes a hundred times as long.
    assert time.process_time() - start < 0.5
