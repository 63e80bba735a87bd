"""The straight part of a curve: where a law of scaling holds, chosen by a rule and not by eye."""

import numpy as np

_GRID = 48  # places where a part may begin and end
_ROUGH, _BENT = 0.05, 0.15  # of the rise over a part: scatter about its line; of its slope: between its halves


def straight_part(
    x: np.ndarray, y: np.ndarray, *, shortest: float, rough: float = _ROUGH, bent: float = _BENT
) -> tuple[int, int, float] | None:
    """The widest part of a curve that is a straight line.

    A part is straight when the root mean square distance from its line of least squares is at most `rough` of the rise
    of the line over it, and the slopes of its two halves differ by at most `bent` of its slope. Of two that are equally
    wide the less rough one is taken. A curve that is constant is straight, with the slope 0.

    Args:
        x: (count,), increasing.
        y: (count,).
        shortest: the least width in x.
        rough, bent: as above.

    Returns:
        The first and last index of the part, and its slope; None where no part of that width is straight.
    """
    places = np.unique(np.linspace(0, len(x) - 1, min(_GRID, len(x))).round().astype(int)) if len(x) > 3 else []
    best, found = (0.0, 0.0), None
    for a in places:
        for b in places:
            width = x[b] - x[a] if b > a else 0.0
            if b < a + 3 or width < shortest or width < best[0]:
                continue
            slope, scatter = line(x[a : b + 1], y[a : b + 1])
            middle = (a + b) // 2
            halves = line(x[a : middle + 1], y[a : middle + 1])[0] - line(x[middle : b + 1], y[middle : b + 1])[0]
            roughness = scatter / max(abs(slope) * width, 1e-300)
            if roughness <= rough and abs(halves) <= bent * abs(slope) and (width, -roughness) > best:
                best, found = (width, -roughness), (int(a), int(b), slope)
    return found


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope of the line of least squares, and the root mean square distance from it."""
    u, v = x - x.mean(), y - y.mean()
    slope = float(u @ v / (u @ u))
    return slope, float(np.sqrt(np.mean((v - slope * u) ** 2)))
