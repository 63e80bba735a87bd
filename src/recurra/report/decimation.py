"""Thin a long line for drawing: smallest and largest of every bin, so that no peak is lost or aliased."""

import numpy as np


def decimate(times: np.ndarray, values: np.ndarray, bins: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a line that look the same on `bins` columns of pixels: at most 2 bins + 2 of them.

    Every bin keeps the rows of its smallest and largest value, in order; the first and last rows stay. A bin
    without a finite value keeps one row, so that a gap stays a gap.

    Args:
        times: increasing times, shape (time,).
        values: one channel, shape (time,); NaN where there is none.
        bins: columns to keep apart.

    Returns:
        The kept times and values: the input itself where it is short enough.

    >>> t = np.arange(1000.0)
    >>> spike = np.where(t == 617, 5.0, 0.0)
    >>> kept = decimate(t, spike, bins=10)
    >>> len(kept[0]) <= 22, kept[1].max()
    (True, np.float64(5.0))
    """
    rows = len(values)
    if rows <= 2 * bins + 2:
        return times, values
    edges = np.linspace(0, rows, bins + 1).astype(np.int64)[:-1]
    finite = np.isfinite(values)
    keep = [0, rows - 1]
    for start, stop in zip(edges, [*edges[1:], rows], strict=True):
        part, real = values[start:stop], finite[start:stop]
        keep.append(start + int(np.where(real, part, np.inf).argmin()))
        keep.append(start + int(np.where(real, part, -np.inf).argmax()))
    chosen = np.unique(keep)
    return times[chosen], values[chosen]
