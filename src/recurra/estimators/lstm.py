"""The long short-term memory as an estimator."""

import dataclasses
from typing import ClassVar

from recurra.estimators.recurrent import Recurrent


@dataclasses.dataclass(kw_only=True, eq=False)
class LSTM(Recurrent):
    """Long short-term memory network; see `Recurrent` for the parameters and `recurra.cells.LSTM` for the equations."""

    kind: ClassVar[str] = "lstm"
    layer: ClassVar[str] = "lstm"
