"""Sinusoids with a line, fitted to the last rows, and an autoregression of what they leave."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recurra._types import LOST, Batch, BatchDrive, BatchInputs, Row
from recurra.baselines.linear import LinearAR, fit_linear

SHARE = 0.01  # of the variance that a sinusoid has to explain to count
CYCLES = 3  # of the longest sinusoid that the rows have to hold
ROUNDING = 1e-24  # of the sum of squares: what a line leaves where there is nothing else
CUTOFF = 1e-9  # of relative singular values, of the autoregression
FINE = 8  # frequencies between two that the rows tell apart, where a peak is looked for


@dataclass(frozen=True, eq=False)
class Harmonic:
    r"""Extrapolate sinusoids and a line from the last w rows, and what they leave by a vector autoregression.

    .. math:: y_{t+k} = c + d k + \sum_j \Big(a_j \cos\frac{2 \pi k}{P_j} + b_j \sin\frac{2 \pi k}{P_j}\Big) + r_{t+k}

    c, d, a and b are least squares over the w rows up to t, for each channel; r is the residual of that fit, carried on
    by the autoregression. Where fewer than w rows are known, there are no sinusoids: the autoregression is of y itself.
    A drive is not looked at.

    Args:
        periods: P_j (m,), in rows.
        window: w, in rows.
        residual: autoregression of r, over all channels; it looks back on at most w rows.
        half_life: where it is given, an autoregression of as many lags is fitted anew to the residuals of the w rows
            up to t, and a row so long ago counts half: it follows a series whose noise or memory changes.

    The state is the w - 1 rows before the last one, oldest first, each with a mark that it is known.

    Reference: W. Kosek, D. D. McCarthy, B. J. Luzum, Journal of Geodesy 72 (1998) 189-199.
    """

    periods: np.ndarray
    window: int
    residual: LinearAR
    half_life: float | None = None

    @property
    def channels(self) -> int:
        """Number of forecast channels."""
        return self.residual.features

    @property
    def order(self) -> int:
        """Rows that a forecast looks back on."""
        return self.window

    @cached_property
    def _fit(self) -> np.ndarray:
        """The map from w rows to c, d, a_1, ..., b_1, ...: (2 + 2 m, w)."""
        return np.linalg.pinv(basis(self.periods, np.arange(1 - self.window, 1), self.window))

    @cached_property
    def _weights(self) -> np.ndarray:
        """How the next row depends on the last w, latest first: (w, channels, channels), beside the constant."""
        p, n = self.residual.order, self.channels
        lags = self.residual.coefficients[:, 1:].reshape(n, p, n)
        fitted = basis(self.periods, np.arange(1, -p, -1), self.window) @ self._fit[:, ::-1]  # of k = 1, 0, -1, ...
        weights = fitted[0][:, None, None] * np.eye(n) - np.einsum("ipj,pw->wij", lags, fitted[1:])
        weights[:p] += lags.transpose(1, 0, 2)
        return weights

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, self.window - 1, self.channels + 1))

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        rows = inputs.shape[1]
        known = self._joined(state, inputs[..., : self.channels])
        forecasts = self.residual.run(self._recent(state), known[:, self.window - 1 :, :-1])[1]
        full = known[..., -1].cumsum(axis=1)[:, self.window - 1 :] >= self.window
        ahead = self._ahead if self.half_life is None else self._ahead_anew
        for one in np.flatnonzero(full.any(axis=1)):
            forecasts[one, full[one]] = ahead(known[one, :, :-1], full[one])
        return known[:, rows:], forecasts

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        steps = drive.shape[1]
        known = self._joined(state, last[:, None])
        values, back = known[..., :-1], self.residual.order if self.half_life is None else self.window
        full = known[..., -1:].min(axis=1, keepdims=True)  # 1 where all rows are known, else 0
        found = full * np.stack([self._fit @ one for one in values])
        # (batch, back + steps, channels)
        waves = basis(self.periods, np.arange(1 - back, steps + 1), self.window) @ found
        left = values[:, self.window - back :] - waves[:, :back]
        if self.half_life is None:
            carried = _carry(self.residual, left, steps)
        else:
            fits = [self._anew(one) if whole else self.residual for one, whole in zip(left, full[:, 0, 0], strict=True)]
            carried = np.concatenate([_carry(fit, one[None], steps) for fit, one in zip(fits, left, strict=True)])
        forecasts = np.clip(waves[:, back:] + carried, -LOST, LOST)
        return self._joined(known, forecasts)[:, 1 - self.window :], forecasts

    def _anew(self, left: np.ndarray) -> LinearAR:
        """The autoregression of the residuals (w, channels) of one window."""
        p = self.residual.order
        return fit_linear([(left[:-1], left[1:])], (p,), (CUTOFF,), self.half_life)[p, CUTOFF]

    def _joined(self, known: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Known rows with their marks, and more of them."""
        return np.concatenate([known, np.concatenate([rows, np.ones((*rows.shape[:2], 1))], axis=2)], axis=1)

    def _recent(self, state: np.ndarray) -> np.ndarray:
        """The state of the autoregression: its last rows, latest first."""
        return state[:, ::-1][:, : self.residual.order - 1, :-1]

    def _ahead(self, values: np.ndarray, full: np.ndarray) -> np.ndarray:
        """The row after every window of one series that is full."""
        total = np.broadcast_to(self.residual.coefficients[:, 0], (len(values) - self.window + 1, self.channels)).copy()
        for i in range(self.channels):
            for j in range(self.channels):
                total[:, i] += np.convolve(values[:, j], self._weights[:, i, j], "valid")
        return total[full]

    def _ahead_anew(self, values: np.ndarray, full: np.ndarray) -> np.ndarray:
        """The row after every window of one series that is full, each by an autoregression of its own."""
        inside, after = (basis(self.periods, k, self.window) for k in (np.arange(1 - self.window, 1), np.ones(1)))
        rows = []
        for window in np.lib.stride_tricks.sliding_window_view(values, self.window, axis=0)[full]:
            found = self._fit @ window.T
            left = window.T - inside @ found
            rows.append((after @ found)[0] + _carry(self._anew(left), left[None], 1)[0, 0])
        return np.array(rows)


def _carry(fit: LinearAR, left: np.ndarray, steps: int) -> np.ndarray:
    """Residuals (batch, rows, channels) carried on by an autoregression: (batch, steps, channels)."""
    recent = left[:, len(left[0]) - fit.order :]
    return fit.free_run(recent[:, :-1][:, ::-1], recent[:, -1], np.empty((len(left), steps, 0)))[1]


def basis(periods: np.ndarray, k: np.ndarray, window: int) -> np.ndarray:
    """1, k / w, cos(2 pi k / P_j), sin(2 pi k / P_j) at the rows k: (rows, 2 + 2 m)."""
    phases = 2 * np.pi * k[:, None] / periods
    return np.concatenate([np.ones((len(k), 1)), k[:, None] / window, np.cos(phases), np.sin(phases)], axis=1)


def residuals(parts: list[np.ndarray], periods: np.ndarray, window: int) -> list[np.ndarray]:
    """What sinusoids and a line leave of series (time, channels), block after block of `window` rows from their ends.

    NaN is a missing value, and stays one. Blocks in which fewer rows are measured than twice what is fitted are left
    out.
    """
    blocks = []
    table = basis(periods, np.arange(1 - window, 1), window)
    for part in parts:
        for end in range(len(part), window - 1, -window):
            block = part[end - window : end]
            measured = np.isfinite(block).all(axis=1)
            if np.count_nonzero(measured) >= 2 * table.shape[1]:
                fitted = np.linalg.lstsq(table[measured], block[measured], rcond=None)[0]
                blocks.append(block - table @ fitted)
    return blocks


def sinusoids(part: np.ndarray, most: int = 4) -> np.ndarray:
    r"""The periods of the sinusoids in a series, the strongest first, each found in what those before leave.

    A period starts at the highest peak of the power of what the earlier ones leave, and is then moved to where all of
    them together, with a line, leave least. It counts where it explains a hundredth of the variance; periods of which
    the rows hold fewer than three are not looked for.

    Args:
        part: (time, channels), without NaN.
        most: how many are returned at most.

    Returns:
        Periods in rows; empty where there are none.

    Reference: B. G. Quinn, E. J. Hannan, The Estimation and Tracking of Frequency, Cambridge 2001, chapters 2 and 4.
    """
    from scipy.optimize import least_squares  # takes a tenth of a second to load

    rows, found = len(part), np.zeros(0)
    left = _left(part, found)
    total = np.sum(left**2)
    size = FINE * rows
    low, high = CYCLES * FINE, size // 2
    nothing = high <= low or total <= ROUNDING * np.sum(part**2)
    for _ in range(0 if nothing else most):
        power = (np.abs(np.fft.rfft(left, size, axis=0)) ** 2).sum(axis=1)
        start = np.append(1 / found, (low + np.argmax(power[low:high])) / size)
        moved = least_squares(
            lambda frequencies: _left(part, 1 / frequencies).ravel(),
            start,
            bounds=(start - 0.5 / rows, start + 0.5 / rows),
            x_scale=1 / rows,
            xtol=1e-10,
        )
        tried = 1 / moved.x
        after = _left(part, tried)
        if np.sum(left**2) - np.sum(after**2) < SHARE * total:
            break
        found, left = tried, after
    return found


def _left(part: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """What a line and sinusoids of these periods leave of a series."""
    table = basis(periods, np.arange(1 - len(part), 1), len(part))
    return part - table @ np.linalg.lstsq(table, part, rcond=None)[0]
