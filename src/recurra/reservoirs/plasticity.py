"""Intrinsic plasticity: every unit learns a gain and a bias that give its activity a Gaussian distribution."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse

from recurra.errors import DivergenceError
from recurra.reservoirs.reservoir import Reservoir


@dataclass(frozen=True)
class Plasticity:
    r"""The rule of intrinsic plasticity for tanh units and a Gaussian target.

    A unit y = tanh(g x + b) moves its gain g and its bias b down the gradient of the Kullback-Leibler divergence
    between the distribution of y and a Gaussian of mean m and standard deviation s,

    .. math::
        \Delta b = -\eta \left(-\frac{m}{s^2} + \frac{y}{s^2} (2 s^2 + 1 - y^2 + m y)\right), \qquad
        \Delta g = \frac{\eta}{g} + \Delta b \, x.

    Args:
        mean, std: of the target.
        rate: eta.

    Reference: B. Schrauwen, M. Wardermann, D. Verstraeten, J. J. Steil, D. Stroobandt, Neurocomputing 71 (2008)
    1159-1171.
    """

    mean: float
    std: float
    rate: float

    def update(self, gain: np.ndarray, bias: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gain and bias (units,) after one step with the net input x (units,)."""
        y, variance = np.tanh(gain * x + bias), self.std**2
        change = -self.rate * (-self.mean / variance + y / variance * (2 * variance + 1 - y**2 + self.mean * y))
        return gain + self.rate / gain + change * x, bias + change

    def train(
        self,
        reservoir: Reservoir,
        parts: Sequence[np.ndarray],
        *,
        epochs: int,
        washout: int,
        pause: Callable[[], None] = lambda: None,
    ) -> Reservoir:
        """The reservoir after some passes over its inputs, gains and biases folded into W, W_in and b.

        Args:
            reservoir: at the start; its gains are 1.
            parts: inputs (rows, features) of each series.
            epochs: passes.
            washout: rows at the start of each series that only warm the state up.
            pause: called between the passes over a series; may raise, to stop.

        Raises:
            DivergenceError: a gain or a bias left the finite numbers, or a gain is not positive any more.
        """
        gain, bias = np.ones(reservoir.units), reservoir.b.copy()
        for epoch in range(epochs):
            for inputs in parts:
                pause()
                drive, h = inputs @ reservoir.W_in.T, np.zeros(reservoir.units)
                for t in range(len(drive)):
                    x = reservoir.W @ h + drive[t]
                    h = (1 - reservoir.leak) * h + reservoir.leak * np.tanh(gain * x + bias)
                    if t >= washout:
                        gain, bias = self.update(gain, bias, x)
                if not (np.isfinite(bias).all() and (gain > 0).all() and np.isfinite(gain).all()):
                    raise DivergenceError(
                        f"intrinsic plasticity diverges in epoch {epoch + 1}: the gains of the units do not stay "
                        f"positive and finite at a rate of {self.rate:g}. Lower `plasticity_rate`, or raise "
                        "`plasticity_std`",
                        cause={"epoch": epoch + 1, "rate": self.rate},
                    )
        return replace(
            reservoir,
            W=scipy.sparse.csr_array(scipy.sparse.csr_array(reservoir.W).multiply(gain[:, None])),
            W_in=gain[:, None] * reservoir.W_in,
            b=bias,
        )
