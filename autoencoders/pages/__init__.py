"""Figures, the map of codes and the report."""
