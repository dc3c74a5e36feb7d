"""Autoencoders, from images to latent codes and what codes are good for.

Plain functions and classes on NumPy arrays and Keras models. Nothing here knows of DVC, of parameter
files or of where a pipeline keeps its data.
"""
