"""The gated recurrent unit as an estimator."""

import dataclasses
from typing import ClassVar

from recurra.estimators.recurrent import Recurrent


@dataclasses.dataclass(kw_only=True, eq=False)
class GRU(Recurrent):
    """Gated recurrent unit network; see `Recurrent` for the parameters and `recurra.cells.GRU` for the equations."""

    kind: ClassVar[str] = "gru"
    cell: ClassVar[str] = "gru"
