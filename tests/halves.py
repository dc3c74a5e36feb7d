"""The two halves of an autoencoder as Keras models, to compare others' results with."""

from autoencoders.networks.runtime import keras


def encoder(network: keras.Model) -> keras.Model:
    """Return the part of an autoencoder from images to codes; it shares the network's weights."""
    return keras.Model(network.input, network.get_layer("code").output, name="encoder")


def decoder(network: keras.Model) -> keras.Model:
    """Return the part of an autoencoder from codes to reconstructions; it shares the network's weights."""
    names = [layer.name for layer in network.layers]
    # A variational network draws a sample between its code, the mean, and its decoder.
    start = names.index("sample" if "sample" in names else "code") + 1
    inputs = x = keras.Input(code_shape(network), name="codes")
    for layer in network.layers[start:]:
        x = layer(x)
    return keras.Model(inputs, x, name="decoder")


def code_shape(network: keras.Model) -> tuple[int, ...]:
    """Return the shape of one code of an autoencoder: (width,) or (height, width, filters)."""
    return network.get_layer("code").output.shape[1:]
