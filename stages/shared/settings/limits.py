"""What the sizes of images, data sets and codes allow, as far as the parameters alone show it."""

from typing import TYPE_CHECKING

from stages.shared.settings.datasets import DatasetSettings
from stages.shared.settings.sizes import code_shape, counts, fitted, scaled_width

if TYPE_CHECKING:
    from stages.shared.settings.uses import SearchSettings
    from stages.shared.settings.whole import Parameters

# Lines of `data/neighbours/<name>/neighbours.csv`, of some 70 bytes each.
MOST_NEIGHBOURS = 5_000_000
# Numbers in the samples of one kind, of which `generate` holds up to four kinds in float32: 1.6 GB in all.
MOST_SAMPLED = 100_000_000


def check(parameters: "Parameters") -> None:
    """Refuse what no stage could do.

    Raises
    ------
    ValueError
        Its message names the parameter, what it exceeds, and what to do.
    """
    _colours_are_there(parameters)
    _images_can_be_halved(parameters)
    _patches_have_places(parameters)
    _rows_are_left_to_predict(parameters)
    _images_suffice(parameters)
    _neighbours_fit_a_table(parameters)
    _maps_can_be_drawn(parameters)
    _samples_fit_memory(parameters)
    _codes_are_as_wide_as_their_embeddings(parameters)


def _colours_are_there(parameters: "Parameters") -> None:
    for group in ("classifiers", "learning_rates", "autoencoders", "sequence", "representations"):
        for name, block in getattr(parameters, group).items():
            if block.colour == "rgb" and parameters.datasets[block.dataset].channels == 1:
                raise ValueError(
                    f"{group}.{name}.colour is 'rgb', but the images of {block.dataset} are grey; write 'grey'"
                )


def _images_can_be_halved(parameters: "Parameters") -> None:
    for name, network in parameters.autoencoders.items():
        filters, size = getattr(network, "filters", ()), parameters.datasets[network.dataset].image_size
        if size and any(side % 2 ** len(filters) for side in size):
            raise ValueError(
                f"autoencoders.{name}.filters has {len(filters)} entries, but images of {size[0]}×{size[1]} pixels "
                f"cannot be halved that often; give fewer"
            )


def _patches_have_places(parameters: "Parameters") -> None:
    for name, block in parameters.representations.items():
        size = parameters.datasets[block.dataset].image_size
        for number, window in enumerate(getattr(block, "windows", ())):
            if size and window.patch_size + window.grid - 1 > min(size):
                raise ValueError(
                    f"representations.{name}.windows.{number} asks for {window.grid} places a side for patches of "
                    f"{window.patch_size} pixels, but the images have {size[0]}×{size[1]}; lower grid or patch_size"
                )


def _rows_are_left_to_predict(parameters: "Parameters") -> None:
    for name, block in parameters.sequence.items():
        size = parameters.datasets[block.dataset].image_size
        if size and block.rows >= size[0]:
            raise ValueError(
                f"sequence.{name}.rows is {block.rows}, but the images have {size[0]} rows; give 1 to {size[0] - 1}"
            )


def _images_suffice(parameters: "Parameters") -> None:
    """Check what asks for a number of training images: clusters, neighbours, components of mixtures."""
    of = {name: counts(dataset) for name, dataset in parameters.datasets.items()}
    codes, generate = {**parameters.autoencoders, **parameters.representations}, parameters.generate
    asked = {
        "cluster.n_clusters": (parameters.cluster.n_clusters, codes, parameters.protocol),
        "search.neighbours": (max(parameters.search.neighbours), codes, "held-out"),
        "generate.components": (
            max(generate.components),
            {name: codes[name] for name in _with_mixtures(parameters) if name in codes},
            "held-out",
        ),
    }
    for key, (number, blocks, protocol) in asked.items():
        for block in blocks.values():
            if number > (most := fitted(of[block.dataset], block, protocol)):
                raise ValueError(
                    f"{key} asks for {number}, more than the {most} training images of {block.dataset}; "
                    f"lower it, or take more images"
                )


def _with_mixtures(parameters: "Parameters") -> tuple[str, ...]:
    """Return the autoencoders to whose codes a mixture is fitted."""
    generate = parameters.generate
    return (*generate.networks, *generate.unjudged, *parameters.export.networks)


def _neighbours_fit_a_table(parameters: "Parameters") -> None:
    for name, dataset in parameters.datasets.items():
        # How many images of their own users have is not known yet; the stage `search` asks again.
        if not dataset.own or dataset.limit:
            check_neighbours(parameters.search, name, counts(dataset).test)


def check_neighbours(search: "SearchSettings", dataset: str, n_test: int) -> None:
    """Raise a ValueError if the neighbours of a data set's test images make a table that nobody can read."""
    depth, queries = max(search.neighbours), min(search.queries or n_test, n_test)
    if (lines := queries * depth * len(search.metrics)) > MOST_NEIGHBOURS:
        raise ValueError(
            f"search.neighbours asks for {depth} of {queries} queries of {dataset}, {lines} lines of a table that "
            f"may have {MOST_NEIGHBOURS}; lower it, or search.queries"
        )


def _maps_can_be_drawn(parameters: "Parameters") -> None:
    for name in sorted({network.dataset for network in parameters.autoencoders.values()}):
        shown = min(parameters.map.sample, counts(parameters.datasets[name]).test)
        if parameters.map.perplexity >= shown:
            raise ValueError(
                f"map.perplexity is {parameters.map.perplexity:g}, but it must be less than the {shown} images of "
                f"{name} on a map; lower it, or raise map.sample"
            )


def _samples_fit_memory(parameters: "Parameters") -> None:
    generate = parameters.generate
    for name in (*generate.networks, *generate.unjudged):
        dataset = parameters.datasets[parameters.autoencoders[name].dataset]
        height, width = dataset.image_size or (1, 1)
        if (numbers := generate.samples * height * width * dataset.channels) > MOST_SAMPLED:
            raise ValueError(
                f"generate.samples is {generate.samples}, {numbers} numbers in the images of {name}, of which there "
                f"may be {MOST_SAMPLED}; lower it"
            )


def _codes_are_as_wide_as_their_embeddings(parameters: "Parameters") -> None:
    codes = {**parameters.autoencoders, **parameters.representations}
    for name, embedding in parameters.embeddings.items():
        # A spectral embedding has as many dimensions as there are vectors, whatever these are made of.
        if embedding.kind != "umap" or embedding.of not in codes:
            continue
        block = codes[embedding.of]
        dataset: DatasetSettings = parameters.datasets[block.dataset]
        n, asked = fitted(counts(dataset), block, parameters.protocol), embedding.n_components
        shape = code_shape(block, dataset, n)
        if shape and asked > (width := scaled_width(shape, embedding, n)):
            raise ValueError(
                f"embeddings.{name}.n_components is {asked}, but the codes of {embedding.of} have {width} numbers; "
                f"lower it to {width} at most"
            )
        if asked > n - 2:
            raise ValueError(
                f"embeddings.{name}.n_components is {asked}, but {n} training images have no embedding "
                f"in more than {max(n - 2, 0)} dimensions; lower it"
            )
