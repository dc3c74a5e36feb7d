"""Trained networks, run without TensorFlow."""
