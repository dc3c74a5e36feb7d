"""A clustering as an ONNX graph, from codes to the distances to each cluster."""

import math

import numpy as np
from onnx import ModelProto, TensorProto, helper
from sklearn.mixture import GaussianMixture

from autoencoders.clustering.models import Model
from autoencoders.inference.graphs import CODE, model
from autoencoders.inference.layers import Nodes, Tensor
from autoencoders.scaling.affine import Affine
from autoencoders.scaling.pooling import cells

DISTANCES = "distances"
# scikit-learn leaves vectors shorter than this as they are where it divides by lengths.
SHORTEST = 10 * np.finfo(np.float64).eps


def build(name: str, scaling: Affine, clusters: Model) -> ModelProto:
    """Return the graph of a clustering, from `code`, float32 [n, width], to `distances`, float32 [n, n_clusters].

    A code belongs to the cluster of the smallest distance, the first of equal ones. Distances are computed in float64,
    from scaled codes that are rounded to float32 as those are that the clusterer takes.

    Parameters
    ----------
    name : str
    scaling : Affine
        What `Scaler` does to codes.
    clusters : KMeans, MiniBatchKMeans or GaussianMixture
        Fitted to codes that were scaled so. The distance of K-means is the Euclidean one to a centre; that of a mixture
        is minus the logarithm of a component's density times its weight, in nats, which may be below 0.

    The same numbers give the same bytes. One code or more may be given.
    """
    nodes, width = Nodes(), math.prod(scaling.shape)
    given = helper.make_tensor_value_info(CODE, TensorProto.FLOAT, ["n", width])
    x = nodes.add("Cast", "code/double", Tensor(CODE, (width,)), (width,), to=TensorProto.DOUBLE)
    x = _scaled(nodes, x, scaling)
    x = nodes.add("Cast", "scaled/float", x, x.shape, to=TensorProto.FLOAT)
    x = nodes.add("Cast", "scaled/double", x, x.shape, to=TensorProto.DOUBLE)
    by = _of_mixture if isinstance(clusters, GaussianMixture) else _of_centres
    distances = by(nodes, x, clusters)
    output = nodes.add("Cast", DISTANCES, distances, distances.shape, to=TensorProto.FLOAT)
    return model(name, nodes, given, output, scaling.shape)


def _constant(nodes: Nodes, name: str, values: np.ndarray) -> str:
    """Add a constant of numbers in float64; what float32 holds is stored as float32, at half the size."""
    values = np.asarray(values)
    if not np.array_equal(values, values.astype(np.float32)):
        return nodes.constant(name, values.astype(np.float64))
    stored = nodes.constant(f"{name}/float", values.astype(np.float32))
    nodes.nodes.append(helper.make_node("Cast", [stored], [name], name=name, to=TensorProto.DOUBLE))
    return name


def _scaled(nodes: Nodes, x: Tensor, scaling: Affine) -> Tensor:
    """Add what `Scaler` does; nothing where it leaves codes as they are."""
    if (shares := cells(scaling.shape, scaling.pooling)) is not None:
        height, columns, filters = scaling.shape
        x = nodes.reshape("code/shaped", x, (height * columns, filters))
        pooling = Tensor(_constant(nodes, "pooling", shares), shares.shape)
        x = nodes.add("MatMul", "pooled/cells", pooling, (len(shares), filters), x.name)
        x = nodes.reshape("pooled", x, (len(shares) * filters,))
    if scaling.mean.any():
        x = nodes.add("Sub", "centred", x, x.shape, _constant(nodes, "mean", scaling.mean))
    if scaling.matrix is not None:
        x = nodes.add("MatMul", "turned", x, scaling.matrix.shape[1:], _constant(nodes, "matrix", scaling.matrix))
    if scaling.offset.any():
        x = nodes.add("Sub", "shifted", x, x.shape, _constant(nodes, "offset", scaling.offset))
    if (scaling.scale != 1).any():
        x = nodes.add("Div", "scaled", x, x.shape, _constant(nodes, "scale", scaling.scale))
    if scaling.unit_length:
        length = nodes.add("Sqrt", "length", _sum_of_squares(nodes, "length", x, x.shape, [-1], keep=1), (1,))
        shortest = nodes.constant("length/shortest", np.array(SHORTEST))
        one = nodes.constant("length/one", np.array(1.0))
        short = nodes.add("Less", "length/is_short", length, (1,), shortest)
        divisor = nodes.add("Where", "length/divisor", short, (1,), one, length.name)
        x = nodes.add("Div", "unit", x, x.shape, divisor.name)
    return x


def _sum_of_squares(nodes: Nodes, name: str, x: Tensor, shape: tuple[int, ...], axes: list[int], keep: int) -> Tensor:
    squares = nodes.add("Mul", f"{name}/squares", x, shape, x.name)
    along = nodes.constant(f"{name}/axes", np.array(axes, np.int64))
    return nodes.add("ReduceSum", f"{name}/sum", squares, (1,), along, keepdims=keep)


def _of_centres(nodes: Nodes, x: Tensor, clusters: Model) -> Tensor:
    """Add Euclidean distances [n, n_clusters]: of differences, which are exact where a code lies on a centre."""
    n, width = clusters.cluster_centers_.shape
    x = nodes.reshape("beside", x, (1, width))
    apart = nodes.add("Sub", "apart", x, (n, width), _constant(nodes, "centres", clusters.cluster_centers_))
    squared = _sum_of_squares(nodes, "squared", apart, (n, width), [-1], keep=0)
    return nodes.add("Sqrt", "euclidean", squared, (n,))


def _of_mixture(nodes: Nodes, x: Tensor, mixture: GaussianMixture) -> Tensor:
    """Add minus the logarithms of the components' densities times their weights [n, n_clusters].

    By the precisions' Cholesky factors P: half of d log(2π) + |(x - mean) P|², less log |det P| and the log weight.
    """
    n, width = mixture.means_.shape
    factors, form = mixture.precisions_cholesky_, mixture.covariance_type
    x = nodes.reshape("beside", x, (1, 1, width))
    means = nodes.constant("means", mixture.means_[:, np.newaxis])
    apart = nodes.add("Sub", "apart", x, (n, 1, width), means)
    if form in ("full", "tied"):
        apart = nodes.add("MatMul", "apart/whitened", apart, (n, 1, width), nodes.constant("factors", factors))
        diagonals = np.diagonal(factors, axis1=-2, axis2=-1)
        logarithms = np.broadcast_to(np.log(diagonals).sum(axis=-1), n)
    else:
        factors = np.broadcast_to(factors.reshape(n, -1), (n, width))
        scale = nodes.constant("factors", factors[:, np.newaxis])
        apart = nodes.add("Mul", "apart/whitened", apart, (n, 1, width), scale)
        logarithms = np.log(factors).sum(axis=-1)
    squared = _sum_of_squares(nodes, "squared", apart, (n, 1, width), [-2, -1], keep=0)
    half = nodes.add("Mul", "squared/half", squared, (n,), nodes.constant("half", np.array(0.5)))
    constants = width * np.log(2 * np.pi) / 2 - logarithms - np.log(mixture.weights_)
    return nodes.add("Add", "nats", half, (n,), nodes.constant("constants", constants))
