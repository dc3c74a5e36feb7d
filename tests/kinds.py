"""Which entries of `params.yaml` the tests run: one of each kind, under the names that they have there."""

# Under each group the names that stay.
KEPT = {
    "classifiers": ("photos-classifier", "digits-classifier"),
    # Dense, of images whose colour is taken away and of grey ones; convolutional, in colour and grey, the latter with
    # noise; strided; variational.
    "autoencoders": (
        "photos-simple",
        "photos-convolutional",
        "digits-simple",
        "digits-denoising",
        "digits-strided",
        "digits-variational",
    ),
    "representations": ("photos-pca", "photos-patch-autoencoder", "digits-pixels", "digits-pca", "digits-patches"),
    "embeddings": ("photos-patch-autoencoder-spectral", "digits-pixels-spectral"),
}


def one_of_each_kind(values: dict) -> dict:
    """Return the content of a parameters file without the entries that are one more of their kind."""
    kept = {group: {name: values[group][name] for name in names} for group, names in KEPT.items()}
    for use in ("generate", "denoise", "export"):
        networks = values[use]["networks"]
        named = {name: entry for name, entry in networks.items() if name in kept["autoencoders"]}
        kept[use] = {**values[use], "networks": named}
    return {**values, **kept}
