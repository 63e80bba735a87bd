"""The gated recurrent unit as an estimator."""

import dataclasses
from typing import Any, ClassVar

from recurra.estimators.parameters import Checks
from recurra.estimators.recurrent import Recurrent


@dataclasses.dataclass(kw_only=True, eq=False)
class GRU(Recurrent):
    """Gated recurrent unit network; see `Recurrent` for the parameters and `recurra.cells.GRU` for the equations.

    Args:
        reset_after: the reset gate comes after the matrix product (Keras' and PyTorch's default), or before it.
    """

    kind: ClassVar[str] = "gru"
    layer: ClassVar[str] = "gru"

    reset_after: bool = True

    def _check_cell(self, checks: Checks) -> None:
        checks.flag("reset_after")

    def _cell_options(self) -> dict[str, Any]:
        return {"reset_after": self.reset_after}
