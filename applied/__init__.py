"""Trained networks at work: codes, clusters, neighbours and pictures of new images, from an exported folder.

Needs NumPy, onnxruntime and Pillow alone. `applied.encoder.Encoder` is the way in; `autoencoder` is its command.
"""
