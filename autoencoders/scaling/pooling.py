"""Averages of codes that have positions."""

import numpy as np


def pool(codes: np.ndarray, shape: tuple[int, ...], grid: int | None) -> np.ndarray:
    """Average codes that have positions over the cells of a grid.

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
    shape : tuple of int
        Shape of one code: (height, width, filters), or (width,) for one without positions, which stays as it is.
    grid : int or None
        Cells along each side; 2 gives the four quadrants of Coates, Lee and Ng, "An analysis of single-layer
        networks in unsupervised feature learning", 2011. None, or no fewer than there are positions, pools nothing.

    Returns
    -------
    ndarray of shape (n, grid * grid * filters), float32
    """
    if grid is None or len(shape) == 1 or grid >= min(shape[:2]):
        return codes
    height, width, filters = shape
    maps = codes.reshape(-1, *shape)
    rows, columns = (np.linspace(0, size, grid + 1).round().astype(int) for size in (height, width))
    pooled = np.empty((len(codes), grid, grid, filters), np.float32)
    for row in range(grid):
        for column in range(grid):
            cell = maps[:, rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            pooled[:, row, column] = cell.mean(axis=(1, 2))
    return pooled.reshape(len(codes), -1)


def cells(shape: tuple[int, ...], grid: int | None) -> np.ndarray | None:
    """Return the averages that `pool` takes as shares of the positions, float64 [grid * grid, height * width].

    None where it pools nothing.
    """
    if grid is None or len(shape) == 1 or grid >= min(shape[:2]):
        return None
    rows, columns = (_shares(size, grid) for size in shape[:2])
    return np.einsum("ah,bw->abhw", rows, columns).reshape(grid * grid, -1)


def _shares(size: int, grid: int) -> np.ndarray:
    """Return the shares of positions along one side in each of `grid` runs of them, float64 [grid, size]."""
    ends = np.linspace(0, size, grid + 1).round().astype(int)
    shares = np.zeros((grid, size))
    for share, start, end in zip(shares, ends[:-1], ends[1:], strict=True):
        share[start:end] = 1 / (end - start)
    return shares
