"""The one-dimensional convolutional network as an estimator."""

import dataclasses
from typing import ClassVar

from recurra.estimators.finite_memory import FiniteMemory
from recurra.estimators.parameters import Checks


@dataclasses.dataclass(kw_only=True, eq=False)
class CNN(FiniteMemory):
    r"""Causal convolutions in time on top of each other, the taps of each layer further apart than those below.

    Layer l = 0, 1, ... has k taps, d^l steps apart: an output depends on 1 + (k - 1) (1 + d + d^2 + ...) rows, and on
    none that come later. See `recurra.cells.Convolution` for the equation, `FiniteMemory` and `Recurrent` for the other
    parameters.

    Args:
        layers: convolutions on top of each other.
        kernel: k, taps of each layer.
        dilation: d, the factor from one layer to the next; 1 keeps the taps beside each other.

    Reference: A. van den Oord et al., WaveNet: a generative model for raw audio, arXiv:1609.03499; S. Bai et al.,
    An empirical evaluation of generic convolutional and recurrent networks, arXiv:1803.01271.

    >>> CNN(layers=4, kernel=2, dilation=2).receptive_field
    16
    """

    kind: ClassVar[str] = "cnn"

    units: int = 32
    layers: int = 4
    kernel: int = 2
    dilation: int = 2

    def _taps(self) -> list[tuple[int, int]]:
        return [(self.kernel, self.dilation**layer) for layer in range(self.layers)]

    def _check_taps(self, checks: Checks) -> None:
        checks.whole("kernel", 1, 100_000).whole("dilation", 1, 100)
