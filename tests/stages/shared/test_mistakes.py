"""The sentence for each mistake in the parameters, one row a mistake."""

import re
from functools import reduce
from operator import getitem

import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from stages.shared import parameters


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("recipe", "slow", "recipe is 'slow', but the input should be 'fast' or 'chapter'."),
        ("in_memory", 0, "in_memory is 0, but the input should be greater than 0."),
        ("colour", "grey", "params.yaml has an unknown parameter colour; remove it or correct its name."),
        (
            "autoencoders.photos-simple.epoch",
            3,
            "params.yaml has an unknown parameter autoencoders.photos-simple.epoch; remove it or correct its name.",
        ),
        (
            "autoencoders.photos-simple.epochs",
            -1,
            "autoencoders.photos-simple.epochs is -1, but the input should be greater than or equal to 1.",
        ),
        (
            "autoencoders.photos-simple.epochs",
            2.5,
            "autoencoders.photos-simple.epochs is 2.5, but the input should be a valid integer.",
        ),
        (
            "autoencoders.photos-simple.learning_rate",
            "fast",
            "autoencoders.photos-simple.learning_rate is 'fast', but the input should be a valid number.",
        ),
        (
            "autoencoders.photos-simple.kind",
            "recurrent",
            "autoencoders.photos-simple.kind is 'recurrent'; it should be one of 'dense', 'convolutional', 'strided'.",
        ),
        (
            "autoencoders.photos-simple.epochs",
            {"fast": 3, "slow": 9},
            "autoencoders.photos-simple.epochs gives a value for 'slow', which is no recipe; use 'fast', 'chapter'.",
        ),
        (
            "autoencoders.photos-simple.epochs",
            {"chapter": 9},
            "autoencoders.photos-simple.epochs gives no value for the recipe 'fast'; "
            "add one, or give one value for all.",
        ),
        (
            "autoencoders.digits-simple.colour",
            "rgb",
            "autoencoders.digits-simple.colour is 'rgb', but the images of digits are grey; write 'grey'.",
        ),
        (
            "datasets.photos.batches",
            [6],
            "datasets.photos.batches.0 is 6, but the input should be less than or equal to 5.",
        ),
        ("datasets.photos.batches", [1, 1], "datasets.photos.batches: each value must be given once."),
        (
            "datasets.photos.source",
            "mnist5",
            "datasets.photos.source is 'mnist5'; it should be one of 'bundled_photos', 'cifar10', 'bundled_digits', "
            "'mnist', 'folder', 'table', 'arrays', 'idx'.",
        ),
        ("in_memory", 1e31, "in_memory is 1e+31, but the input should be less than or equal to 1e+30."),
        ("protocol", "apart", "protocol is 'apart', but the input should be 'held-out' or 'together'."),
        (
            "autoencoders.digits-variational.code_activation",
            "relu",
            "autoencoders.digits-variational: code_activation must be linear where kl_weight is above 0, "
            "since codes are then means.",
        ),
        (
            "autoencoders.digits-variational.kl_weight",
            -1,
            "autoencoders.digits-variational.kl_weight is -1, but the input should be greater than or equal to 0.",
        ),
        (
            "autoencoders.photos-convolutional.kl_weight",
            1,
            "params.yaml has an unknown parameter autoencoders.photos-convolutional.kl_weight; "
            "remove it or correct its name.",
        ),
        (
            "representations.digits-pca.kind",
            "umap",
            "representations.digits-pca.kind is 'umap'; it should be one of "
            "'pixels', 'pca', 'patches', 'patch_autoencoder'.",
        ),
        (
            "representations.digits-patches.windows",
            [{"colour": "rgb", "patch_size": 9, "grid": 3}],
            "representations.digits-patches: colour is grey, but one of windows takes rgb; change one of them.",
        ),
        (
            "representations.photos-patches.windows",
            [{"colour": "rgb", "patch_size": 31, "grid": 3}],
            "representations.photos-patches.windows.0 asks for 3 places a side for patches of 31 pixels, but the "
            "images have 32×32; lower grid or patch_size.",
        ),
        (
            "representations.photos-patch-autoencoder.noise",
            -1,
            "representations.photos-patch-autoencoder.noise is -1, but the input should be greater than or equal to 0.",
        ),
        (
            "embeddings.digits-pixels-spectral.affinity",
            "far",
            "embeddings.digits-pixels-spectral.affinity is 'far', "
            "but the input should be 'connectivity' or 'self_tuning'.",
        ),
        (
            "representations.digits-pca.n_components",
            0,
            "representations.digits-pca.n_components is 0, but the input should be greater than or equal to 1.",
        ),
        (
            "embeddings.digits-pixels-spectral.of",
            "digits-pixel",
            "embeddings.digits-pixels-spectral.of is 'digits-pixel', which is neither an autoencoder nor a "
            "representation; correct or remove it.",
        ),
        (
            "embeddings.digits-pixels-spectral.of",
            "photos-pixels",
            "embeddings.digits-pixels-spectral.dataset is 'digits', but photos-pixels is made of 'photos'; "
            "write 'photos'.",
        ),
        (
            "embeddings.digits-pixels-spectral.diffusion",
            {"fast": 0, "chapter": 1},
            "embeddings.digits-pixels-spectral.diffusion is {'fast': 0, 'chapter': 1}, but the input should be a valid "
            "number.",
        ),
        (
            "defaults.spectral.diffusion",
            {"fast": 0, "chapter": 1},
            "defaults.spectral.diffusion is {'fast': 0, 'chapter': 1}, but the input should be a valid number.",
        ),
        (
            "defaults.dense.noise",
            -1,
            "defaults.dense.noise is -1, but the input should be greater than or equal to 0.",
        ),
        (
            "defaults.dense.warm_up",
            0.1,
            "params.yaml has an unknown parameter defaults.dense.warm_up; remove it or correct its name.",
        ),
        (
            "defaults.dense.dataset",
            "photos",
            "params.yaml has an unknown parameter defaults.dense.dataset; remove it or correct its name.",
        ),
        (
            "defaults.dense.epochs",
            {"fast": 3, "slow": 9},
            "defaults.dense.epochs gives a value for 'slow', which is no recipe; use 'fast', 'chapter'.",
        ),
        (
            "defaults.deep",
            {},
            "params.yaml has an unknown parameter defaults.deep; remove it or correct its name.",
        ),
        ("autoencoders.photos-simple", [], "autoencoders.photos-simple is [], but the input should be a mapping."),
        ("cluster.kmeans", "fast", "cluster.kmeans is 'fast', but the input should be a mapping."),
        ("embeddings", None, "embeddings is null, but the input should be a mapping."),
        ("defaults", 3, "defaults is 3, but the input should be a mapping."),
        ("defaults.dense", None, "defaults.dense is null, but the input should be a mapping."),
        (
            "defaults.umap.metric",
            "hamming",
            "defaults.umap.metric is 'hamming', but the input should be 'euclidean', 'cosine' or 'manhattan'.",
        ),
        (
            "datasets.digits.deskew",
            "no",
            "datasets.digits.deskew is 'no', but the input should be true or false.",
        ),
        (
            "classifiers.digits-classifier.kind",
            "dense",
            "classifiers.digits-classifier.kind is 'dense', but the input should be 'classifier'.",
        ),
        (
            "cluster.clusterings",
            {},
            "cluster.clusterings is {}, but it needs an entry; add one.",
        ),
        (
            "cluster.clusterings.kmeans.clusterer",
            "dbscan",
            "cluster.clusterings.kmeans.clusterer is 'dbscan', but the input should be "
            "'kmeans', 'mini_batch_kmeans' or 'gaussian_mixture'.",
        ),
        (
            "cluster.clusterings.kmeans.scaling",
            "whitened",
            "cluster.clusterings.kmeans.scaling is 'whitened', but the input should be "
            "'none', 'standardise' or 'whiten'.",
        ),
        ("cluster.seeds", 0, "cluster.seeds is 0, but the input should be greater than or equal to 1."),
        (
            "learning_rates.photos-rates.rates",
            [0.1, 0.1000001],
            "learning_rates.photos-rates.rates: each value must be given once.",
        ),
        ("neuron.curves.theta", [1, 1.0], "neuron.curves.theta: each value must be given once."),
        ("neuron.curves.start", 6, "neuron.curves: start must be below stop."),
        ("datasets", {}, "datasets is {}, but it needs an entry; add one."),
        (
            "autoencoders.digits-simple.dataset",
            "letters",
            "autoencoders.digits-simple.dataset is 'letters', which is no data set; correct or remove it.",
        ),
        ("datasets.photos.path", "", "datasets.photos.path is empty; write something there."),
        ("autoencoders", {}, "autoencoders is {}, but it needs an entry; add one."),
        (
            "generate.unjudged",
            {"nobody": {"dataset": "digits"}},
            "generate.unjudged names nobody, which is no autoencoder; correct or remove it.",
        ),
        (
            "generate.unjudged",
            {"digits-simple": {"dataset": "photos"}},
            "generate.unjudged.digits-simple.dataset is 'photos', but digits-simple is trained on 'digits'; "
            "write 'digits'.",
        ),
        (
            "generate.unjudged",
            {"digits-variational": {"dataset": "digits"}},
            "digits-variational stands under both generate.networks and generate.unjudged; remove one of them.",
        ),
        (
            "export.networks",
            {"nobody": {"dataset": "digits", "clusters": "nobody", "index": "auto", "approximate": "auto"}},
            "export.networks names nobody, which is no autoencoder; correct or remove it.",
        ),
        (
            "export.networks.digits-strided.dataset",
            "photos",
            "export.networks.digits-strided.dataset is 'photos', but digits-strided is trained on 'digits'; "
            "write 'digits'.",
        ),
        (
            "export.networks.digits-strided.clusters",
            "digits-pixels",
            "export.networks.digits-strided.clusters is 'digits-pixels', which is neither 'digits-strided' nor an "
            "embedding of it; correct or remove it.",
        ),
        (
            "export.networks.digits-strided.clusters",
            "digits-deep-umap",
            "export.networks.digits-strided.clusters is 'digits-deep-umap', an embedding of 'digits-deep'; write "
            "'digits-strided' or an embedding of it.",
        ),
        (
            "export.networks",
            {
                "digits-deep": {
                    "dataset": "digits",
                    "clusters": "digits-deep-umap",
                    "index": False,
                    "approximate": "auto",
                }
            },
            "export.networks.digits-deep.clusters is 'digits-deep-umap', an embedding, whose clusters are those of the "
            "nearest training images, but export.networks.digits-deep.index is false; write true or auto.",
        ),
        (
            "export.networks.digits-strided.index",
            "yes",
            "export.networks.digits-strided.index is 'yes', but the input should be 'auto', True or False.",
        ),
        (
            "export.networks.digits-strided",
            {"dataset": "digits", "clusters": "digits-strided", "index": False, "approximate": True},
            "export.networks.digits-strided.approximate is true, but export.networks.digits-strided.index is false, so "
            "that there are no codes to search; change one of them.",
        ),
        (
            "export.approximate.probed",
            0,
            "export.approximate.probed is 0, but the input should be greater than or equal to 1.",
        ),
    ],
)
def test_each_mistake_gives_one_sentence_that_names_the_parameter(key, value, sentence):
    values = parameters.load(ROOT / "params.yaml")
    *path, last = key.split(".")
    reduce(getitem, path, values)[last] = value
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parameters.check(values)
