"""The vanilla recurrent network as an estimator."""

import dataclasses
from typing import Any, ClassVar

from recurra.cells import ELEMENTWISE
from recurra.estimators.parameters import Checks
from recurra.estimators.recurrent import Recurrent


@dataclasses.dataclass(kw_only=True, eq=False)
class RNN(Recurrent):
    """Vanilla (Elman) network; see `Recurrent` for the parameters and `recurra.cells.Elman` for the equation.

    Args:
        activation: of the hidden units, one of `recurra.cells.ACTIVATIONS` that acts on each by itself.
    """

    kind: ClassVar[str] = "rnn"
    layer: ClassVar[str] = "elman"

    activation: str = "tanh"

    def _check_cell(self, checks: Checks) -> None:
        checks.choice("activation", ELEMENTWISE)

    def _cell_options(self) -> dict[str, Any]:
        return {"activation": self.activation}
