"""The correlation dimension of an attractor, with the curve that it is read from."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from recurra._types import whole_number
from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.scaling import line, straight_part
from recurra.diagnostics.tables import table
from recurra.errors import ConfigError, DataError

_BLOCKS = 10  # of rows, without each of which the slope is looked at again
_OCTAVE = 4  # radii for each factor of 2
_PAIRS = 300  # at the smallest radius, at least
_LARGEST = 0.5  # standard deviations: above, the shape of the whole attractor shows
_NARROWEST = np.log(4.0)  # of the scaling range
_ROUGH, _BENT = 0.01, 0.05  # how straight it is


@dataclass(frozen=True, eq=False)
class CorrelationDimension:
    """The correlation dimension, and what it was read from.

    Attributes:
        dimension: D2, the slope of ln C over the scaling range; None where no range is straight.
        error: its standard error, from the slopes without each tenth of the rows, a jackknife that knows how much a
            finite motion leaves open, and from half the difference between the slopes of the two halves of the range;
            None without a range.
        radii: r (count,), in standard deviations of each channel.
        correlation: C(r) (count,).
        slopes: (count,), d ln C / d ln r at each radius.
        range: the smallest and largest radius of the scaling range; None where there is none.
    """

    dimension: float | None
    error: float | None
    radii: np.ndarray
    correlation: np.ndarray
    slopes: np.ndarray
    range: tuple[float, float] | None


def correlation_dimension(
    series: Any, *, theiler: int = 0, references: int = 2000, norm: float = 2.0
) -> CorrelationDimension:
    r"""The correlation dimension of Grassberger and Procaccia, of all channels together.

    .. math:: C(r) = \frac{\#\{(i, j): |y_i - y_j| < r, \; |i - j| > w\}}{\#\{(i, j): |i - j| > w\}}, \qquad
        D_2 = \frac{d \ln C}{d \ln r}

    j runs over all rows, i over the reference points; each channel is divided by its standard deviation. The scaling
    range is the widest range of radii up to half a standard deviation, with 300 pairs at least, over which ln C is
    straight: root mean square distance from its line at most 1 % of the rise, slopes of its halves within 5 %, at least
    a factor of 4. For one measured channel give `recurra.diagnostics.embed`. Where an
    attractor ends sharply, as a square does, the slope falls with r, and what is found is 1 or 2 % too low.

    It is the dimension at the scales of the range. Where an attractor is layered, as those of strongly contracting
    flows are, the slope wavers with r by some hundredths, however many rows there are: from 400,000 rows of Lorenz-63
    over 40,000 time units it is 2.07 at 0.06 ... 0.25 standard deviations, 2.06 at 0.004 ... 0.03 and 2.02 +- 0.04 at
    0.001 ... 0.004, where 2.05 is published for r -> 0. Rows that are closer in time add little: 100,000 rows of 1,000
    time units give 2.08 +- 0.02, 30,000 rows of 1,500 give 2.06 +- 0.02.

    Args:
        series: Series or array (time, channels): states.
        theiler: w, rows; for a flow about the time in which its autocorrelation falls off, else the dimension is that
            of the curve.
        references: at most so many reference points, evenly spaced in time.
        norm: 2, or infinity for the largest difference of a channel.

    Raises:
        DataError: a value that is missing or not finite, a break, fewer than 500 rows, a channel that does not vary.
        ConfigError: arguments that cannot be.

    References: P. Grassberger, I. Procaccia, Physical Review Letters 50 (1983) 346-349; J. Theiler, Physical Review A
    34 (1986) 2427-2432.

    Example:
        >>> angle = 2 * np.pi * np.random.default_rng(0).random(3000)
        >>> found = correlation_dimension(np.stack([np.cos(angle), np.sin(angle)], axis=1))
        >>> round(found.dimension, 1)
        1.0
    """
    y = table(series, fewest=500, unbroken=True)
    if not whole_number(theiler) or not 0 <= theiler < len(y) // 4:
        raise ConfigError(f"`theiler` must be a whole number of rows, 0 ... {len(y) // 4 - 1}, got {theiler!r}")
    check_whole(10 * _BLOCKS, references=references)
    if np.isnan(norm) or norm < 1:
        raise ConfigError(f"`norm` must be at least 1, got {norm!r}")
    if (np.ptp(y, axis=0) == 0).any():
        raise DataError("a channel does not vary: leave it out")
    scaled = (y - y.mean(axis=0)) / y.std(axis=0)
    rows = np.arange(0, len(y), -(-len(y) // references))
    radii = _LARGEST * 2.0 ** (np.arange(-20 * _OCTAVE, 1) / _OCTAVE)
    starts = np.linspace(0, len(y), _BLOCKS + 1).astype(int)
    trees = [KDTree(scaled[a:b]) for a, b in pairwise(starts)]
    counts = np.array(
        [
            _counts(trees, scaled, rows[(rows >= a) & (rows < b)], radii, starts, theiler, norm)
            for a, b in pairwise(starts)
        ]
    )
    pairs = sum(len(y) - _near(row, theiler, len(y)) for row in rows.tolist())
    without = _without(counts)
    enough = (counts.sum(axis=(0, 1)) >= _PAIRS) & (without > 0).all(axis=0)
    kept = np.arange(len(radii)) >= (np.flatnonzero(~enough).max() + 1 if not enough.all() else 0)
    radii, without = radii[kept], without[:, kept]
    C, x = counts.sum(axis=(0, 1))[kept] / pairs, np.log(radii)
    part = straight_part(x, np.log(C), shortest=_NARROWEST, rough=_ROUGH, bent=_BENT) if len(x) > 3 else None
    slopes = np.gradient(np.log(C), x) if len(x) > 1 else np.full(len(x), np.nan)
    if part is None:
        return CorrelationDimension(None, None, radii, C, slopes, None)
    a, b, dimension = part
    each = [line(x[a : b + 1], np.log(others[a : b + 1]))[0] for others in without]
    middle = (a + b) // 2
    low, high = (line(x[i:j], np.log(C[i:j]))[0] for i, j in ((a, middle + 1), (middle, b + 1)))
    error = float(np.hypot(np.std(each) * np.sqrt(_BLOCKS - 1), (high - low) / 2))
    return CorrelationDimension(dimension, error, radii, C, slopes, (float(radii[a]), float(radii[b])))


def _counts(
    trees: list[KDTree],
    y: np.ndarray,
    rows: np.ndarray,
    radii: np.ndarray,
    starts: np.ndarray,
    theiler: int,
    norm: float,
) -> np.ndarray:
    """Pairs (blocks, radii) of some rows with those of each block that are nearer than each radius and far in time."""
    own = KDTree(y[rows])
    found = np.array([own.count_neighbors(tree, radii, p=norm) for tree in trees], dtype=np.int64)
    for lag in range(-theiler, theiler + 1):
        here = rows[(rows + lag >= 0) & (rows + lag < len(y))]
        apart = np.linalg.norm(y[here + lag] - y[here], ord=norm, axis=1)
        block = np.searchsorted(starts, here + lag, "right") - 1
        for k in np.unique(block):
            found[k] -= np.searchsorted(np.sort(apart[block == k]), radii, "right")
    return found


def _without(counts: np.ndarray) -> np.ndarray:
    """Pairs (blocks, radii) in which a block of rows has no part, from those between blocks."""
    k = np.arange(len(counts))
    return counts.sum(axis=(0, 1)) - counts.sum(axis=0) - counts.sum(axis=1) + counts[k, k]


def _near(row: int, theiler: int, rows: int) -> int:
    """How many rows are within the window about one, itself among them."""
    return min(row + theiler, rows - 1) - max(row - theiler, 0) + 1
