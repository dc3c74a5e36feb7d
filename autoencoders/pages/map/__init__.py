"""The map of codes in two dimensions, as figures and as a page."""
