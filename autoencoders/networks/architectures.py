"""The chapter's networks and some that go past it, as Keras models of any width and depth.

In an autoencoder the layer that gives the code is named `code`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from math import prod

from autoencoders.core.errors import ArgumentError
from autoencoders.networks.runtime import keras
from autoencoders.networks.variational import Sampling

layers = keras.layers


def build(kind: str, name: str, input_shape: tuple[int, ...], settings: Mapping[str, object]) -> keras.Model:
    """Return an untrained network.

    Parameters
    ----------
    kind : {"classifier", "dense", "convolutional", "strided"}
        Which of BUILDERS makes the network.
    name : str
        The Keras model's name.
    input_shape : tuple of int
        Shape of one prepared image: (features,) or (height, width, channels).
    settings : mapping
        The builder's other arguments by name. Keys that it does not take, such as those of training, are left out.

    Raises
    ------
    ArgumentError
        If height or width cannot be halved as often as `filters` has entries.
    """
    builder = BUILDERS[kind]
    arguments = inspect.signature(builder).parameters
    return builder(name, input_shape, **{key: value for key, value in settings.items() if key in arguments})


def classifier(
    name: str, input_shape: tuple[int, ...], units: Sequence[int], activation: str, n_classes: int
) -> keras.Model:
    """Return a dense classifier that gives softmax probabilities [N, n_classes] (Exercise 19, Activity 9)."""
    inputs = x = keras.Input(input_shape, name="images")
    for number, width in enumerate(units, start=1):
        x = layers.Dense(width, activation=activation, name=f"hidden_{number}")(x)
    x = layers.Dense(n_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x, name=name)


def dense(
    name: str,
    input_shape: tuple[int, ...],
    units: Sequence[int],
    activation: str,
    code_activation: str,
    output_activation: str,
    kl_weight: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Return a dense autoencoder of flat images (Exercises 21 and 22, Activity 10).

    `units` are the encoder's widths, the last of them the code's; the decoder mirrors the others. With 500, 500, 2000
    and 10 and a linear code it is that of Xie, Girshick and Farhadi, "Unsupervised deep embedding for clustering
    analysis", 2016. For `kl_weight` and `seed` see `_code`.
    """
    inputs = x = keras.Input(input_shape, name="images")
    for number, width in enumerate(units[:-1], start=1):
        x = layers.Dense(width, activation=activation, name=f"encoder_{number}")(x)
    x = _code(x, units[-1], code_activation, kl_weight / prod(input_shape), seed)
    for number, width in enumerate(reversed(units[:-1]), start=1):
        x = layers.Dense(width, activation=activation, name=f"decoder_{number}")(x)
    x = layers.Dense(prod(input_shape), activation=output_activation, name="reconstruction")(x)
    return keras.Model(inputs, x, name=name)


def _code(x: keras.KerasTensor, width: int, activation: str, kl_weight: float, seed: int) -> keras.KerasTensor:
    """Return the code, a dense layer of `x` [n, …].

    With a `kl_weight` above 0 the network is variational: the dense layer gives the means of the codes' distributions,
    another the logarithms of their variances, and `Sampling` draws the codes that the decoder gets. `seed` seeds it.
    """
    mean = layers.Dense(width, activation=activation, name="code")(x)
    if not kl_weight:
        return mean
    log_variance = layers.Dense(width, name="log_variance")(x)
    return Sampling(kl_weight, seed, name="sample")([mean, log_variance])


def convolutional(
    name: str,
    input_shape: tuple[int, int, int],
    filters: Sequence[int],
    kernel_size: int,
    activation: str,
    output_activation: str,
) -> keras.Model:
    """Return a convolutional autoencoder (Exercise 23, Activity 11).

    For each entry of `filters` the encoder has a convolution and a 2×2 max-pooling, the last of which gives
    the code; the decoder has a convolution and a 2×2 up-sampling for each, in reverse.

    Raises
    ------
    ArgumentError
        If height or width cannot be halved as often as `filters` has entries.
    """
    _check_halving(input_shape, filters)

    def convolution(n_filters: int, label: str, function: str = activation) -> keras.layers.Layer:
        return layers.Conv2D(n_filters, kernel_size, padding="same", activation=function, name=label)

    inputs = x = keras.Input(input_shape, name="images")
    for number, n_filters in enumerate(filters, start=1):
        x = convolution(n_filters, f"encoder_{number}")(x)
        x = layers.MaxPooling2D(2, name="code" if number == len(filters) else f"pool_{number}")(x)
    for number, n_filters in enumerate(reversed(filters), start=1):
        x = convolution(n_filters, f"decoder_{number}")(x)
        x = layers.UpSampling2D(2, name=f"up_{number}")(x)
    x = convolution(input_shape[-1], "reconstruction", output_activation)(x)
    return keras.Model(inputs, x, name=name)


def strided(
    name: str,
    input_shape: tuple[int, int, int],
    filters: Sequence[int],
    kernel_size: int,
    units: Sequence[int],
    activation: str,
    code_activation: str,
    output_activation: str,
    kl_weight: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Return a convolutional autoencoder with a small dense code.

    Each entry of `filters` is a convolution of stride 2, which halves the image; dense layers of the widths `units`
    follow, the last of them the code. The decoder mirrors both with transposed convolutions, as in Guo et al., "Deep
    clustering with convolutional autoencoders", 2017. For `kl_weight` and `seed` see `_code`.

    Raises
    ------
    ArgumentError
        If height or width cannot be halved as often as `filters` has entries.
    """
    _check_halving(input_shape, filters)
    options = {"strides": 2, "padding": "same"}
    inputs = x = keras.Input(input_shape, name="images")
    for number, n_filters in enumerate(filters, start=1):
        x = layers.Conv2D(n_filters, kernel_size, activation=activation, name=f"encoder_{number}", **options)(x)
    shape = x.shape[1:]
    x = layers.Flatten(name="flatten")(x)
    for number, width in enumerate(units[:-1], start=1):
        x = layers.Dense(width, activation=activation, name=f"encoder_dense_{number}")(x)
    x = _code(x, units[-1], code_activation, kl_weight / prod(input_shape), seed)
    for number, width in enumerate((*reversed(units[:-1]), prod(shape)), start=1):
        x = layers.Dense(width, activation=activation, name=f"decoder_dense_{number}")(x)
    x = layers.Reshape(shape, name="reshape")(x)
    for number, n_filters in enumerate(reversed(filters[:-1]), start=1):
        x = layers.Conv2DTranspose(n_filters, kernel_size, activation=activation, name=f"decoder_{number}", **options)(
            x
        )
    x = layers.Conv2DTranspose(
        input_shape[-1], kernel_size, activation=output_activation, name="reconstruction", **options
    )(x)
    return keras.Model(inputs, x, name=name)


def _check_halving(input_shape: tuple[int, int, int], filters: Sequence[int]) -> None:
    height, width, _ = input_shape
    if height % 2 ** len(filters) or width % 2 ** len(filters):
        raise ArgumentError(
            f"filters has {len(filters)} entries, but images of {height}×{width} pixels "
            f"cannot be halved that often; give fewer."
        )


BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "classifier": classifier,
    "dense": dense,
    "convolutional": convolutional,
    "strided": strided,
}
