"""The networks: their architectures, the parts of a trained one, and its folder on disk.

Importing any module of this package imports TensorFlow, which takes longer than most stages' work.
"""
