"""The echo state network as an estimator: only the readout is trained, in closed form."""

import dataclasses
import os
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import scipy.sparse

from recurra.errors import ConfigError, DataError
from recurra.estimators.base import Estimator
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import Scaled, TrainingSet, steps, validation_origins
from recurra.forecasting import closed_loop_errors, horizon_score
from recurra.reservoirs import EchoState, Reservoir, RidgePath, draw_reservoir
from recurra.reservoirs.harvest import Harvest
from recurra.reservoirs.readout import QR_LIMIT, RowSum, empty_sum
from recurra.storage import Layout
from recurra.threads import one_blas_thread

DECADES = range(-34, 0, 2)  # exponents of the ridges tried first; then the two beside the best of them
HORIZON = 300  # steps of a validation forecast where none is given


@dataclasses.dataclass(kw_only=True, eq=False)
class ESN(Estimator):
    r"""Echo state network with a leaky, sparse reservoir and a ridge readout.

    .. math::
        h_t = (1 - a) h_{t-1} + a \tanh(W h_{t-1} + W_{in} [y_t, u_{t+1}] + b), \qquad
        y_{t+1} = c + V [y_t; u_{t+1}; h_t]

    Args:
        units: reservoir units N.
        spectral_radius: of W, met to rounding.
        in_degree: nonzero entries in each row of W.
        input_scaling: entries of W_in are uniform on (-s, s); the inputs have unit variance.
        bias_scaling: entries of b are uniform on (-s, s).
        leak: leaking rate a in (0, 1].
        ridge: penalty on V, relative to the largest squared singular value of the readout's features; None tries
            powers of ten down to 1e-35 (noiseless data want them that small) and takes the one that forecasts
            held-out rows best in closed loop, then refits on all rows.
        lags: inputs that the readout sees directly, beside the reservoir: the latest l of [y, u]; 0 for none.
        increment: learn y[t+1] - y[t] instead of y[t+1].
        washout: rows dropped at the start of every training series, while the state forgets that it started at zero.
        warmup: rows of history run through the network before a forecast; None takes `washout`.
        validation: fraction of the training rows held out to choose the ridge.
        horizon: steps of each validation forecast; None takes 300, or half of the held-out rows.
        origins: number of validation forecasts.
        seed: of the reservoir; the same seed gives the same bits.

    References: H. Jaeger, GMD Report 148, 2001; M. Lukosevicius, A practical guide to applying echo state networks,
    in Neural Networks: Tricks of the Trade, Springer 2012.
    """

    kind: ClassVar[str] = "esn"

    units: int = 500
    spectral_radius: float = 0.9
    in_degree: int = 10
    input_scaling: float = 0.1
    bias_scaling: float = 1.0
    leak: float = 1.0
    ridge: float | None = None
    lags: int = 1
    increment: bool = False
    washout: int = 100
    warmup: int | None = None
    validation: float = 0.2
    horizon: int | None = None
    origins: int = 10
    seed: int = 0

    def check(self) -> None:
        checks = Checks(self).whole("units", 1, 1_000_000).number("spectral_radius", 0).whole("in_degree", 1)
        checks.number("input_scaling", 0).number("bias_scaling", 0).number("leak", 0, 1, open_low=True)
        checks.number("ridge", 0, optional=True).flag("increment").whole("lags", 0).whole("washout", 0).whole(
            "warmup", 0, optional=True
        )
        checks.number("validation", 0, 0.9, open_low=True).whole("horizon", 1, optional=True).whole("origins", 1)
        checks.whole("seed", 0, 2**32 - 1).raise_all()
        if self.lags > min(self.washout, self._warmup_rows()) + 1:
            raise ConfigError(
                f"ESN: `lags={self.lags}` reaches back further than the state is warmed up: set it to at most "
                f"{min(self.washout, self._warmup_rows()) + 1}, or raise `washout` and `warmup`"
            )

    def _warmup_rows(self) -> int:
        return int(self.washout if self.warmup is None else self.warmup)

    def _learn(self, training: TrainingSet) -> tuple[EchoState, list[dict[str, Any]]]:
        seen = self.lags * training.frame.features + self.units
        _check_memory(seen)
        with one_blas_thread() if seen <= QR_LIMIT else nullcontext():
            return self._solve(training)

    def _solve(self, training: TrainingSet) -> tuple[EchoState, list[dict[str, Any]]]:
        features, channels = training.frame.features, len(training.frame.channels)
        reservoir = draw_reservoir(
            self.units,
            features,
            spectral_radius=self.spectral_radius,
            in_degree=self.in_degree,
            input_scaling=self.input_scaling,
            bias_scaling=self.bias_scaling,
            leak=self.leak,
            seed=self.seed,
        )
        harvest = Harvest(reservoir, self.lags, self.increment, self.washout)
        total: RowSum = empty_sum(self.lags * features + self.units, channels)
        parts = [steps(part) for part in training.parts]
        if self.ridge is not None:
            for inputs, targets in parts:
                total, _ = harvest.add(total, inputs, targets, range(len(inputs)), None)
            return self._network(reservoir, _path(total).solve(self.ridge)), []
        cuts = training.cuts(self.validation)
        heads = [max(0, at - 1) for at in cuts]  # a series of n rows has n - 1 steps
        states = []
        for (inputs, targets), head in zip(parts, heads, strict=True):
            total, state = harvest.add(total, inputs, targets, range(head), None)
            states.append(state)
        held = training.validation(cuts, self._warmup_rows())
        ridge, history = self._choose_ridge(_path(total), reservoir, held)
        for (inputs, targets), head, state in zip(parts, heads, states, strict=True):
            total, _ = harvest.add(total, inputs, targets, range(head, len(inputs)), state)
        return self._network(reservoir, _path(total).solve(ridge)), history

    def _network(self, reservoir: Reservoir, coefficients: np.ndarray) -> EchoState:
        return EchoState(reservoir, coefficients, self.lags, self.increment)

    def _choose_ridge(
        self, path: RidgePath, reservoir: Reservoir, held: list[Scaled]
    ) -> tuple[float, list[dict[str, Any]]]:
        """All ridges forecast the same held-out origins in closed loop, in one batch."""
        origins = validation_origins(held, self._warmup_rows(), self.horizon, HORIZON, self.origins)
        first = self._network(reservoir, path.solve(1.0))
        warm = first.warm(first.initial_state(len(origins)), origins.warm)

        def scores(ridges: list[int]) -> dict[int, float]:
            network = self._network(reservoir, np.stack([path.solve(10.0**k) for k in ridges]))
            many = [np.concatenate([array] * len(ridges)) for array in (warm, origins.last, origins.drive)]
            forecasts = network.free_run(*many)[1].reshape(len(ridges), *origins.truth.shape)
            return dict(zip(ridges, horizon_score(closed_loop_errors(forecasts, origins.truth)).tolist(), strict=True))

        found = scores(list(DECADES))
        best = min(found, key=found.__getitem__)
        found |= scores([best - 1, best + 1])
        history = [{"ridge": 10.0**k, "validation": found[k]} for k in sorted(found)]
        return 10.0 ** min(sorted(found), key=found.__getitem__), history

    def _facts(self) -> dict[str, Any]:
        return {}

    def _tensors(self) -> dict[str, np.ndarray]:
        reservoir = self.network_.reservoir
        return {
            "W/data": reservoir.W.data,
            "W/indices": reservoir.W.indices.astype(np.int32),
            "W/indptr": reservoir.W.indptr.astype(np.int32),
            "W_in": reservoir.W_in,
            "b": reservoir.b,
            "V": self.network_.coefficients,
        }

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        nonzero = self.units * min(self.in_degree, self.units)
        return {
            "W/data": ("float64", (nonzero,)),
            "W/indices": ("int32", (nonzero,)),
            "W/indptr": ("int32", (self.units + 1,)),
            "W_in": ("float64", (self.units, features)),
            "b": ("float64", (self.units,)),
            "V": ("float64", (channels, 1 + self.lags * features + self.units)),
        }

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        parts = tensors["W/data"], tensors["W/indices"], tensors["W/indptr"]
        W = scipy.sparse.csr_array(parts, shape=(self.units, self.units))
        W.check_format(full_check=True)  # an index outside W would read foreign memory at every step
        return self._network(Reservoir(W, tensors["W_in"], tensors["b"], self.leak), tensors["V"])


def _path(total: RowSum) -> RidgePath:
    if total.rows < 2:
        raise DataError("no training rows are left after the washout: give longer series or a shorter `washout`")
    return total.path()


def _check_memory(features: int) -> None:
    """Refuse a readout whose matrices cannot fit: the sums, their eigenvectors and the workspace of the solver."""
    need = 5 * 8 * features**2
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > total:
        raise ConfigError(
            f"a readout of {features} features needs about {need / 2**30:.0f} GiB of memory and this machine has "
            f"{total / 2**30:.0f}: take fewer `units`"
        )
