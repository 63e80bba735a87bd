"""The vanilla recurrent network as an estimator."""

import dataclasses
from typing import Any, ClassVar

from recurra.cells import ELEMENTWISE
from recurra.estimators.parameters import Checks
from recurra.estimators.recurrent import Recurrent
from recurra.estimators.training_set import TrainingSet
from recurra.models import Model
from recurra.training import INITIALISATIONS, echo_state


@dataclasses.dataclass(kw_only=True, eq=False)
class RNN(Recurrent):
    """Vanilla (Elman) network; see `Recurrent` for the parameters and `recurra.cells.Elman` for the equation.

    Args:
        activation: of the hidden units, one of `recurra.cells.ACTIVATIONS` that acts on each by itself.
        init: "default", Glorot-uniform input and orthogonal recurrent weights; or "echo-state", those of a reservoir,
            with few connections and a spectral radius slightly above 1: see `recurra.training.echo_state`.
        input_scale: standard deviation of the input weights of the initialisation "echo-state".
    """

    kind: ClassVar[str] = "rnn"
    layer: ClassVar[str] = "elman"

    activation: str = "tanh"
    init: str = "default"
    input_scale: float = 0.1

    def _check_cell(self, checks: Checks) -> None:
        checks.choice("activation", ELEMENTWISE).choice("init", list(INITIALISATIONS))
        checks.number("input_scale", 0, open_low=True)

    def _drawn(self, training: TrainingSet) -> Model:
        model = super()._drawn(training)
        if self.init == "default":
            return model
        return echo_state(model, input_scale=float(self.input_scale), seed=self.seed)

    def _bounded(self) -> bool:
        return self.activation in ("tanh", "logistic")

    def _cell_options(self) -> dict[str, Any]:
        return {"activation": self.activation}
