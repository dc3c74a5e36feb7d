"""Embeddings of codes in few dimensions that keep neighbours together."""
