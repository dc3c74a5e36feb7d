"""The chapter's networks as Keras models, of any width and depth.

In an autoencoder the layer that gives the code is named `code`.
"""

from collections.abc import Sequence
from math import prod

from autoencoders.errors import InputError
from autoencoders.networks.runtime import keras

layers = keras.layers


def build(
    kind: str, name: str, input_shape: tuple[int, ...], n_classes: int | None = None, **sizes: object
) -> keras.Model:
    """Return an untrained network.

    Parameters
    ----------
    kind : {"classifier", "dense", "convolutional"}
        Which of the builders below.
    name : str
        The Keras model's name.
    input_shape : tuple of int
        Shape of one prepared image: (features,) or (height, width, channels).
    n_classes : int, optional
        Number of classes; for classifiers only.
    **sizes
        The builder's other arguments.
    """
    if kind == "classifier":
        return classifier(name, input_shape, n_classes=n_classes, **sizes)
    return {"dense": dense, "convolutional": convolutional}[kind](name, input_shape, **sizes)


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
    name: str, input_shape: tuple[int, ...], units: Sequence[int], activation: str, output_activation: str
) -> keras.Model:
    """Return a dense autoencoder of flat images (Exercises 21 and 22, Activity 10).

    `units` are the encoder's widths, the last of them the code's; the decoder mirrors the others.
    """
    inputs = x = keras.Input(input_shape, name="images")
    for number, width in enumerate(units[:-1], start=1):
        x = layers.Dense(width, activation=activation, name=f"encoder_{number}")(x)
    x = layers.Dense(units[-1], activation=activation, name="code")(x)
    for number, width in enumerate(reversed(units[:-1]), start=1):
        x = layers.Dense(width, activation=activation, name=f"decoder_{number}")(x)
    x = layers.Dense(prod(input_shape), activation=output_activation, name="reconstruction")(x)
    return keras.Model(inputs, x, name=name)


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
    InputError
        If height or width cannot be halved as often as `filters` has entries.
    """
    height, width, channels = input_shape
    if height % 2 ** len(filters) or width % 2 ** len(filters):
        raise InputError(
            f"autoencoders.{name}.filters has {len(filters)} entries, but images of {height}×{width} pixels "
            f"cannot be halved that often; give fewer."
        )

    def convolution(n_filters: int, label: str, function: str = activation) -> layers.Layer:
        return layers.Conv2D(n_filters, kernel_size, padding="same", activation=function, name=label)

    inputs = x = keras.Input(input_shape, name="images")
    for number, n_filters in enumerate(filters, start=1):
        x = convolution(n_filters, f"encoder_{number}")(x)
        x = layers.MaxPooling2D(2, name="code" if number == len(filters) else f"pool_{number}")(x)
    for number, n_filters in enumerate(reversed(filters), start=1):
        x = convolution(n_filters, f"decoder_{number}")(x)
        x = layers.UpSampling2D(2, name=f"up_{number}")(x)
    x = convolution(channels, "reconstruction", output_activation)(x)
    return keras.Model(inputs, x, name=name)


def encoder(network: keras.Model) -> keras.Model:
    """Return the part of an autoencoder from images to codes; it shares the network's weights."""
    return keras.Model(network.input, network.get_layer("code").output, name="encoder")


def decoder(network: keras.Model) -> keras.Model:
    """Return the part of an autoencoder from codes to reconstructions; it shares the network's weights."""
    names = [layer.name for layer in network.layers]
    inputs = x = keras.Input(code_shape(network), name="codes")
    for layer in network.layers[names.index("code") + 1 :]:
        x = layer(x)
    return keras.Model(inputs, x, name="decoder")


def code_shape(network: keras.Model) -> tuple[int, ...]:
    """Return the shape of one code of an autoencoder: (width,) or (height, width, filters)."""
    return network.get_layer("code").output.shape[1:]
