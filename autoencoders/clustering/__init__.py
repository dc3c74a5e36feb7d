"""Clustering of codes, and scores against the classes."""
