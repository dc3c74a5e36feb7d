"""What the sizes of images, data sets and codes allow, as far as the parameters alone show it."""

from typing import TYPE_CHECKING

from stages.shared.settings.sizes import SIDES, code_shape, counts, fitted, scaled_width

if TYPE_CHECKING:
    from stages.shared.settings.whole import Parameters

# Lines of `data/neighbours/<name>/neighbours.csv`, of some 70 bytes each.
MOST_NEIGHBOURS = 5_000_000


def check(parameters: "Parameters") -> None:
    """Refuse what no stage could do.

    Raises
    ------
    ValueError
        Its message names the parameter, what it exceeds, and what to do.
    """
    _images_can_be_halved(parameters)
    _rows_are_left_to_predict(parameters)
    _images_suffice(parameters)
    _neighbours_fit_a_table(parameters)
    _maps_can_be_drawn(parameters)
    _codes_are_as_wide_as_their_embeddings(parameters)


def _images_can_be_halved(parameters: "Parameters") -> None:
    for name, network in parameters.autoencoders.items():
        filters, side = getattr(network, "filters", ()), SIDES[network.dataset]
        if side % 2 ** len(filters):
            raise ValueError(
                f"autoencoders.{name}.filters has {len(filters)} entries, but images of {side}×{side} pixels "
                f"cannot be halved that often; give fewer"
            )


def _rows_are_left_to_predict(parameters: "Parameters") -> None:
    rows, side = parameters.sequence.rows, SIDES[parameters.sequence.dataset]
    if rows >= side:
        raise ValueError(f"sequence.rows is {rows}, but the images have {side} rows; give 1 to {side - 1}")


def _images_suffice(parameters: "Parameters") -> None:
    """Check what asks for a number of training images: clusters, neighbours, components of mixtures."""
    of = {name: counts(dataset) for name, dataset in parameters.datasets}
    codes, generate = {**parameters.autoencoders, **parameters.representations}, parameters.generate
    asked = {
        "cluster.n_clusters": (parameters.cluster.n_clusters, codes, parameters.protocol),
        "search.neighbours": (max(parameters.search.neighbours), codes, "held-out"),
        "generate.components": (
            max(generate.components),
            {name: codes[name] for name in (*generate.networks, *generate.unjudged) if name in codes},
            "held-out",
        ),
    }
    for key, (number, blocks, protocol) in asked.items():
        for block in blocks.values():
            if number > (most := fitted(of[block.dataset], block, protocol)):
                raise ValueError(
                    f"{key} asks for {number}, more than the {most} training images of the {block.dataset}; "
                    f"lower it, or take more images"
                )


def _neighbours_fit_a_table(parameters: "Parameters") -> None:
    search, depth = parameters.search, max(parameters.search.neighbours)
    for name, dataset in parameters.datasets:
        queries = min(search.queries or MOST_NEIGHBOURS, counts(dataset).test)
        if (lines := queries * depth * len(search.metrics)) > MOST_NEIGHBOURS:
            raise ValueError(
                f"search.neighbours asks for {depth} of {queries} queries of the {name}, {lines} lines of a table that "
                f"may have {MOST_NEIGHBOURS}; lower it, or search.queries"
            )


def _maps_can_be_drawn(parameters: "Parameters") -> None:
    for dataset in sorted({network.dataset for network in parameters.autoencoders.values()}):
        shown = min(parameters.map.sample, counts(getattr(parameters.datasets, dataset)).test)
        if parameters.map.perplexity >= shown:
            raise ValueError(
                f"map.perplexity is {parameters.map.perplexity:g}, but it must be less than the {shown} images of the "
                f"{dataset} on a map; lower it, or raise map.sample"
            )


def _codes_are_as_wide_as_their_embeddings(parameters: "Parameters") -> None:
    codes = {**parameters.autoencoders, **parameters.representations}
    for name, embedding in parameters.embeddings.items():
        # A spectral embedding has as many dimensions as there are vectors, whatever these are made of.
        if embedding.kind != "umap" or embedding.of not in codes:
            continue
        block = codes[embedding.of]
        n = fitted(counts(getattr(parameters.datasets, block.dataset)), block, parameters.protocol)
        width, asked = scaled_width(code_shape(block, n), embedding, n), embedding.n_components
        if asked > width:
            raise ValueError(
                f"embeddings.{name}.n_components is {asked}, but the codes of {embedding.of} have {width} numbers; "
                f"lower it to {width} at most"
            )
        if asked > n - 2:
            raise ValueError(
                f"embeddings.{name}.n_components is {asked}, but {n} training images have no embedding "
                f"in more than {max(n - 2, 0)} dimensions; lower it"
            )
