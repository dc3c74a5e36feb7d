import math

import pytest
from small import ROOT

from autoencoders.networks import architectures
from autoencoders.networks.runtime import keras
from autoencoders.training import costs
from stages.shared.parameters import load
from stages.shared.settings.layers import with_defaults

SHAPES = {"photos": (32, 32), "digits": (28, 28)}
PARAMETERS = with_defaults(load(ROOT / "params.yaml"))
NETWORKS = {**PARAMETERS["classifiers"], **PARAMETERS["autoencoders"]}


def products(network: keras.Model) -> int:
    """Count the multiplications of a forward pass layer by layer, from the shapes of the layers and kernels."""
    count = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            count += math.prod(layer.input.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Conv2D):
            count += math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            count += math.prod(layer.kernel.shape)
    return count


@pytest.mark.parametrize("name", [*NETWORKS, "variational strided", "variational of one width"])
def test_the_cost_by_the_settings_is_that_of_the_network(name):
    settings = NETWORKS.get(name) or NETWORKS["digits-strided"] | {"kl_weight": 1.0}
    if name == "variational of one width":
        settings = NETWORKS["digits-simple"] | {"kl_weight": 1.0}
    settings = settings | {"n_classes": 10}
    shape = (*SHAPES[settings["dataset"]], 3 if settings["colour"] == "rgb" else 1)
    if settings["kind"] in ("classifier", "dense"):
        shape = (math.prod(shape),)
    network = architectures.build(settings["kind"], "network", shape, settings)
    found = costs.of_network(settings["kind"], shape, settings)
    assert found.parameters == network.count_params()
    # The rearranged up-sampling is counted as what it replaces.
    assert found.products == products(network)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_of_the_chapters_data_sets_is_shared(name):
    settings = NETWORKS[name] | {"n_classes": 10}
    shape = (*SHAPES[settings["dataset"]], 3 if settings["colour"] == "rgb" else 1)
    if settings["kind"] in ("classifier", "dense"):
        shape = (math.prod(shape),)
    cost = costs.of_network(settings["kind"], shape, settings)
    assert not costs.several_pay(cost, 10_000, 32, 2)


def test_several_workers_pay_for_long_epochs_of_networks_with_few_parameters_for_their_products():
    cost = costs.Cost(products=2_000_000, parameters=100_000)
    assert costs.several_pay(cost, 60_000, 32, 2)
    assert not costs.several_pay(cost, 60_000, 32, 1)
    assert not costs.several_pay(cost, 6_000, 32, 2)
    assert costs.several_pay(cost, 6_000, 32, 2, long_epoch=1e10)
    # A worker's part of a batch becomes too small for what it exchanges, or for one image.
    assert not costs.several_pay(cost, 60_000, 32, 4)
    assert costs.several_pay(cost, 60_000, 32, 4, products_a_parameter=100)
    assert not costs.several_pay(costs.Cost(10**9, 1), 60_000, 2, 4)
    # Dense networks have about one product a parameter.
    assert not costs.several_pay(costs.Cost(10**8, 10**8), 60_000, 128, 2)
