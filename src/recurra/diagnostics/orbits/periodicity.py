"""What a recorded signal says of itself: whether it grows, its period, and the 0-1 test for chaos."""

from typing import Any

import numpy as np
import scipy.optimize

_BLOCKS = 8
_DIVISIONS = 8  # the strongest line may be this harmonic of the fundamental, at most
_TURNS = 6  # of a fundamental below the strongest line, at least: harmonics of fewer fit anything
_LINES = (1, 4, 12, 24)  # harmonics that are fitted, more from round to round


def grows(values: np.ndarray) -> bool:
    """Whether the distance from the first row goes on growing, block by block, at least as a line does.

    Args:
        values: (rows, columns); rows that are not finite count as growth.
    """
    if not np.isfinite(values).all():
        return True
    with np.errstate(over="ignore"):
        away = np.abs(values - values[0]).max(axis=1)
    reach = np.array([block.max() for block in np.array_split(away, _BLOCKS)])
    floor = 1e-9 * np.abs(values[0]).max()
    return bool(reach[0] > floor and (np.diff(reach) > 0).all() and reach[-1] > 1.7 * reach[3] > 1.7**2 * reach[1])


def closure(values: np.ndarray, within: float) -> int | None:
    """The smallest k for which the last rows come back after k rows within a distance; None up to half of the rows."""
    last = values[-1]
    back = np.abs(values[-2 : -len(values) // 2 - 1 : -1] - last).max(axis=1)
    for k in np.flatnonzero(back <= within) + 1:
        span = values[-min(len(values) - k, 4 * k) :]
        if np.abs(span - values[-len(span) - k : -k]).max() <= within:
            return int(k)
    return None


def fundamental(values: np.ndarray, within: float = 0.01) -> tuple[float, float]:
    r"""The period, in rows, of the harmonics that fit a signal best, and the share of its variance they leave out.

    .. math:: x_t \approx a_0 + \sum_{k \le K} a_k \cos 2 \pi k f t + b_k \sin 2 \pi k f t

    The strongest line of the spectrum is tried as harmonic 1, 2, ..., 8, and the frequency is refined with more and
    more harmonics. The first that leaves out less than `within` is taken, else the best.

    Args:
        values: (rows,), not constant.
        within: share of the variance.
    """
    x = (values - values.mean()) / values.std()
    rows = len(x)
    power = np.abs(np.fft.rfft(x * np.hanning(rows), 8 * rows))
    power[:8] = 0.0  # less than one turn in all of the rows
    line = float(np.argmax(power)) / (8 * rows)
    divisions = [d for d in range(1, _DIVISIONS + 1) if d == 1 or line * rows / d >= _TURNS]
    found = []
    for division in divisions:
        f = _refined(x, line, division)
        found.append((1 / f, _left(x, f, _LINES[-1] * division)))
        if found[-1][1] <= within:
            return found[-1]
    return min(found, key=lambda each: each[1])


def _refined(x: np.ndarray, line: float, division: int) -> float:
    """The fundamental, of which `line` is about the harmonic `division`."""
    f, rows = line, len(x)
    for harmonics, width in zip(_LINES, (1.0, 0.25, 0.06, 0.02), strict=True):
        limits = (max(f - width / rows, 0.1 / rows), min(f + width / rows, 0.5))
        count = harmonics * division

        def left(g: float, count: int = count) -> float:
            return _left(x, g / division, count)

        best: Any = scipy.optimize.minimize_scalar(
            left, bounds=limits, method="bounded", options={"xatol": 1e-7 / rows}
        )
        f = float(best.x)
        if best.fun > 0.5 and harmonics > 1:
            break
    return f / division


def _left(x: np.ndarray, f: float, harmonics: int) -> float:
    """The share of the variance that the harmonics of f leave out."""
    count = max(1, min(harmonics, int(0.5 / f + 1e-9), len(x) // 10))
    angle = 2 * np.pi * f * np.outer(np.arange(len(x)), np.arange(1, count + 1))
    C = np.concatenate([np.ones((len(x), 1)), np.cos(angle), np.sin(angle)], axis=1)
    little = 1e-12 * len(x) * np.eye(C.shape[1])  # at half a turn a row, all sines are zero
    rest = x - C @ np.linalg.solve(C.T @ C + little, C.T @ x)
    return float(rest @ rest / len(x))


def zero_one(values: np.ndarray, *, angles: int = 100, seed: int = 0) -> float:
    r"""The 0-1 test for chaos: K near 0 for regular motion, near 1 for chaos.

    .. math:: p_n = \sum_{j \le n} x_j \cos jc, \quad q_n = \sum_{j \le n} x_j \sin jc, \quad
        D_c(n) = \langle (p_{j+n} - p_j)^2 + (q_{j+n} - q_j)^2 \rangle
        - \bar x^2 \frac{1 - \cos nc}{1 - \cos c}

    K_c is the correlation of D_c(n) with n up to a tenth of the rows, K its median over random c from pi/5 to 4 pi/5.
    A signal that is sampled too finely looks regular: give about four rows a turn.

    Args:
        values: (rows,); a few hundred at least.
        angles: how many c.
        seed: of them.

    Reference: G. A. Gottwald, I. Melbourne, SIAM Journal on Applied Dynamical Systems 8 (2009) 129-145.
    """
    x = np.asarray(values, np.float64)
    x = (x - x.mean()) / x.std()
    c = np.random.default_rng(seed).uniform(np.pi / 5, 4 * np.pi / 5, angles)
    turned = np.cumsum(x * np.exp(1j * np.outer(c, np.arange(1, len(x) + 1))), axis=1)
    most = len(x) // 10
    n = np.arange(1, most + 1)
    spread = [(np.abs(turned[:, k : len(x) - most + k] - turned[:, : len(x) - most]) ** 2).mean(axis=1) for k in n]
    D = np.stack(spread, axis=1)  # the mean of x is zero, and so is the term that oscillates with it
    D, line = D - D.mean(axis=1, keepdims=True), n - n.mean()
    norm = np.sqrt((D**2).sum(axis=1) * (line @ line))
    return float(np.median(D @ line / np.where(norm > 0, norm, 1.0)))
