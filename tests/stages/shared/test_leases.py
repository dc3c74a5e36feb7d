import threading

import clusters
import pytest

from autoencoders.training.jobs import WorkerLost

pytest.importorskip("distributed")
from stages.shared import leases  # noqa: E402
from stages.shared.workers import connected  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_a_training_that_waits_takes_a_worker_that_joins_late_and_forgets_one_that_is_gone(tmp_path):
    with clusters.cluster(tmp_path, 2) as started, connected(started.address) as client:
        client.wait_for_workers(2, timeout=120)
        both, found, go = leases.workers(client), [], threading.Event()

        def wait() -> None:
            with leases.one_held(client) as address:
                found.append(address)
                go.wait(60)

        with leases.all_held(client, both) as held:
            assert held == both
            late = threading.Thread(target=wait)
            late.start()
            started.add()
            clusters.until(lambda: found)
        assert found[0] not in both
        # The one that joined late is held still.
        every = leases.workers(client)
        started.kill(2)
        with leases.all_held(client, every) as held:
            assert held == both
        go.set()
        late.join(60)
        for _ in both:
            started.kill()
        with pytest.raises(WorkerLost), leases.all_held(client, both):
            pass
