"""The long short-term memory as an estimator."""

import dataclasses
from typing import Any, ClassVar

from recurra.estimators.parameters import Checks
from recurra.estimators.recurrent import Recurrent


@dataclasses.dataclass(kw_only=True, eq=False)
class LSTM(Recurrent):
    """Long short-term memory network; see `Recurrent` for the parameters and `recurra.cells.LSTM` for the equations.

    Args:
        peepholes: the gates see the memory cell too.
        forget_gate: the memory can be forgotten; False for the form of 1997, which keeps all.
    """

    kind: ClassVar[str] = "lstm"
    layer: ClassVar[str] = "lstm"

    peepholes: bool = False
    forget_gate: bool = True

    def _check_cell(self, checks: Checks) -> None:
        checks.flag("peepholes").flag("forget_gate")

    def _cell_options(self) -> dict[str, Any]:
        return {"peepholes": self.peepholes, "forget_gate": self.forget_gate}
