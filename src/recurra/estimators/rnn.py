"""The vanilla recurrent network as an estimator."""

import dataclasses
from typing import ClassVar

from recurra.estimators.recurrent import Recurrent


@dataclasses.dataclass(kw_only=True, eq=False)
class RNN(Recurrent):
    """Vanilla (Elman) network; see `Recurrent` for the parameters and `recurra.cells.Elman` for the equation.

    Args:
        activation: "tanh" or "relu".
    """

    kind: ClassVar[str] = "rnn"
    cell: ClassVar[str] = "elman"
    choices: ClassVar[dict[str, list[str]]] = {"activation": ["tanh", "relu"]}

    activation: str = "tanh"
