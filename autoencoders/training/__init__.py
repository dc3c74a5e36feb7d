"""Training of Keras networks."""
