"""An autoencoder of sequences: it reads the rows of an image one by one and predicts those that follow."""

from autoencoders.networks.runtime import keras

layers = keras.layers


def predictor(name: str, given: tuple[int, int, int], n_rows: int, units: int) -> keras.Model:
    """Return an LSTM autoencoder that predicts the rows below those it is given.

    The future predictor of Srivastava, Mansimov and Salakhutdinov, "Unsupervised learning of video representations
    using LSTMs", 2015, with the rows of one image as the frames: an encoder LSTM (Hochreiter and Schmidhuber, 1997)
    reads the sequence, its last state is the code, and a decoder LSTM, unconditioned, is given that code at every
    step.

    Parameters
    ----------
    name : str
        The Keras model's name.
    given : tuple of int
        (rows, columns, channels) of the given part of an image; each row with its channels is one step.
    n_rows : int
        Rows to predict, at least 1.
    units : int
        Width of the code and of either LSTM.

    Returns
    -------
    keras.Model
        From images [n, rows, columns, channels] in 0 to 1 to [n, n_rows, columns, channels] in 0 to 1.
    """
    rows, columns, channels = given
    width = columns * channels
    inputs = keras.Input(given, name="images")
    x = layers.Reshape((rows, width), name="rows")(inputs)
    x = layers.LSTM(units, name="code")(x)
    x = layers.RepeatVector(n_rows, name="repeat")(x)
    x = layers.LSTM(units, return_sequences=True, name="decoder")(x)
    x = layers.Dense(width, activation="sigmoid", name="predicted_rows")(x)
    x = layers.Reshape((n_rows, columns, channels), name="prediction")(x)
    return keras.Model(inputs, x, name=name)
