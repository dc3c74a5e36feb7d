"""Vectors of images without a trained Keras network, to set beside the codes."""
