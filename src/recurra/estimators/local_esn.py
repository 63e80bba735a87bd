"""Local echo state networks as an estimator: large fields, one small network for each group of sites."""

import dataclasses
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import scipy.sparse

from recurra.errors import ConfigError, DataError
from recurra.estimators.base import Estimator
from recurra.estimators.delays import beside, decades
from recurra.estimators.local_grid import check_grid, file_grid, neighbourhoods
from recurra.estimators.memory import refuse_beyond_memory
from recurra.estimators.parameters import Checks
from recurra.estimators.saturation import warn_of_saturation
from recurra.estimators.training_set import TrainingSet, steps, validation_origins
from recurra.forecasting import Origins, stack_scores
from recurra.native import threads
from recurra.reservoirs import READOUT_FEATURES, TOPOLOGIES, Reservoir, draw_reservoir
from recurra.reservoirs.features import feature_count
from recurra.reservoirs.local import LocalEchoState
from recurra.reservoirs.local_harvest import LocalHarvest, Steps
from recurra.reservoirs.neighbourhoods import Neighbourhoods
from recurra.reservoirs.readout import QR_LIMIT, RowSum
from recurra.reservoirs.topologies import Wiring
from recurra.storage import Layout
from recurra.threads import one_blas_thread

FINEST, COARSEST = -34, -12  # exponents of the ridges from which on they are tried: of a QR, of Gram sums
STEP = 2  # decades between the ridges that are tried first; then those between
HORIZON = 300  # steps of a validation forecast where none is given
TOGETHER = 2**26  # numbers of states that validation runs at once
_WIRING = {"jump": 10, "rewiring": 0.1}
_NOTHING = "no training rows are left after the washout: give longer series or a shorter `washout`"


@dataclasses.dataclass(kw_only=True, eq=False)
class LocalESN(Estimator):
    r"""Local reservoirs for large fields: a grid is cut into groups of sites, each with a network that sees a halo.

    .. math::
        h^{(g)}_t = (1 - a) h^{(g)}_{t-1} + a \tanh(W h^{(g)}_{t-1} + W_{in} x^{(g)}_t + b), \qquad
        z^{(g)}_{t+1} = c + V [x^{(g)}_t; \phi(h^{(g)}_t)]

    x are the sites of the group, those of a halo around it, and the drive; z the sites of the group. What spreads at a
    finite speed is learnt by networks whose size does not depend on that of the field. The channels of the data are the
    sites in C order, with the fields of a site side by side.

    Args:
        shape: sites along each axis, `[n]` or `[ny, nx]`; None takes one axis for all channels.
        fields: channels of each site.
        group: sites of a group, along each axis; they divide `shape`. One number for all axes, or one for each.
        halo: sites that a group sees beyond itself, to both sides along each axis.
        boundary: "periodic" or "walls", for all axes or one for each; what lies behind a wall is seen as 0, the mean.
        mask: true at the sites that take no part (land), by rows or flat; they have no channels, and are seen as 0.
        shared: one readout for all groups, learnt from all of them: for a law that is the same everywhere, on periodic
            axes. All sites then have one scale. False: each group has its own readout.
        one_reservoir: all groups have the same W, W_in and b; always so with `shared`. False draws one for each.
        units: units of each reservoir.
        spectral_radius, topology, in_degree, input_scaling, bias_scaling, leak: of the reservoirs, as of `ESN`.
        readout_features: what the readout sees of the states: "states", "squared-half" (every second one squared),
            "squares" (states and their squares).
        direct: the readout sees x as well.
        increment: learn z[t+1] - z[t] instead of z[t+1].
        ridge: penalty on V, relative to the largest squared singular value of the readout's features; None tries
            powers of ten down to 1e-35 (1e-13 above 2,000 features) and takes the one whose closed loop is best.
        teacher_noise: standard deviation of the noise added to the y that the reservoirs see in training, relative to
            that of y.
        washout: rows dropped at the start of every training series.
        warmup: rows of history run through the networks before a forecast; None takes `washout`.
        validation: fraction of the training rows held out to choose the ridge.
        horizon: steps of each validation forecast; None takes 300, or half of the held-out rows.
        origins: number of validation forecasts.
        precision: of the weights and states of the reservoirs, "float64" or "float32".
        seed: of the reservoirs and the noise.

    Memory: the states of one block of rows, 64 MiB with `shared` and else 1,000 rows of one group for each thread; sums
    of F^2 numbers, where F is what a readout sees, five times while they are solved, once with `shared` and else once
    for each thread; the coefficients of all groups for every ridge that is tried. A second pass over the rows, with the
    ridge that was chosen, takes the place of sums that are kept.

    References: J. Pathak, B. Hunt, M. Girvan, Z. Lu, E. Ott, Physical Review Letters 120 (2018) 024102; J. A. Platt,
    S. G. Penny, T. A. Smith, T.-C. Chen, H. D. I. Abarbanel, Neural Networks 153 (2022) 530-552.
    """

    kind: ClassVar[str] = "local-esn"

    shape: list[int] | None = None
    fields: int = 1
    group: int | list[int] = 1
    halo: int | list[int] = 2
    boundary: str | list[str] = "periodic"
    mask: list[Any] | None = None
    shared: bool = False
    one_reservoir: bool = True
    units: int = 500
    spectral_radius: float = 0.5
    topology: str = "random"
    in_degree: int = 3
    input_scaling: float = 0.1
    bias_scaling: float = 1.0
    leak: float = 1.0
    readout_features: str = "states"
    direct: bool = True
    increment: bool = False
    ridge: float | None = None
    teacher_noise: float = 0.0
    washout: int = 100
    warmup: int | None = None
    validation: float = 0.2
    horizon: int | None = None
    origins: int = 10
    precision: str = "float64"
    seed: int = 0

    def check(self) -> None:
        checks = check_grid(Checks(self)).flag("one_reservoir").whole("units", 1, 1_000_000)
        checks.number("spectral_radius", 0).choice("topology", list(TOPOLOGIES)).whole("in_degree", 1)
        checks.number("input_scaling", 0).number("bias_scaling", 0).number("leak", 0, 1, open_low=True)
        checks.choice("readout_features", list(READOUT_FEATURES)).flag("direct").flag("increment")
        checks.number("ridge", 0, optional=True).number("teacher_noise", 0)
        checks.whole("washout", 0).whole("warmup", 0, optional=True)
        checks.number("validation", 0, 0.9, open_low=True).whole("horizon", 1, optional=True).whole("origins", 1)
        checks.choice("precision", ["float32", "float64"]).whole("seed", 0, 2**32 - 1).raise_all()
        if self.shared and not self.one_reservoir:
            raise ConfigError(
                "LocalESN: with `shared` all groups have one readout, and so one reservoir: set `one_reservoir` to true"
            )

    def _warmup_rows(self) -> int:
        return int(self.washout if self.warmup is None else self.warmup)

    def _learn(self, training: TrainingSet) -> tuple[LocalEchoState, list[dict[str, Any]]]:
        near = neighbourhoods(self, training.frame)
        size = self._seen(near.sees.shape[1] + len(training.frame.inputs))
        at_once = 1 if self.shared else min(threads(), len(near.sees))
        need = at_once * 5 * 8 * float(size) ** 2  # the sums, their eigenvectors and the workspace of the solver
        refuse_beyond_memory(need, f"a readout of {size} features", "take fewer `units`")
        with nullcontext() if self.shared and size > QR_LIMIT else one_blas_thread():
            return self._solve(training, near, size)

    def _solve(
        self, training: TrainingSet, near: Neighbourhoods, size: int
    ) -> tuple[LocalEchoState, list[dict[str, Any]]]:
        series = [self._noisy(*steps(part), number) for number, part in enumerate(training.parts)]
        harvest = self._harvest(near, near.sees.shape[1] + len(training.frame.inputs), training)
        ridge, history = self.ridge, []
        if ridge is None:
            cuts = training.cuts(self.validation)
            heads = [(x[: max(0, at - 1)], y[: max(0, at - 1)]) for (x, y), at in zip(series, cuts, strict=True)]
            held = training.validation(cuts, self._warmup_rows())
            origins = validation_origins(held, self._warmup_rows(), self.horizon, HORIZON, self.origins)
            ridges = decades(range(FINEST if size <= QR_LIMIT else COARSEST, 0))
            stack = self._coefficients(harvest, heads, size, ridges)
            ridge, history = self._choose(harvest, dict(zip(ridges, stack, strict=True)), origins)
        harvest = dataclasses.replace(harvest, saturation=type(harvest.saturation)())
        coefficients = self._coefficients(harvest, series, size, [ridge])[0]
        warn_of_saturation(self, harvest.saturation.share, training.warn)
        return self._network(near, harvest.reservoirs, coefficients), history

    def _harvest(self, near: Neighbourhoods, features: int, training: TrainingSet) -> LocalHarvest:
        count = 1 if self.one_reservoir else len(near.sees)
        reservoirs = tuple(self._reservoir(features, number) for number in range(count))
        options = self.direct, self.increment, self.washout, self.readout_features, training.pause
        return LocalHarvest(near, reservoirs, *options)

    def _reservoir(self, features: int, number: int) -> Reservoir:
        seed = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
        drawn = draw_reservoir(
            self.units,
            features,
            spectral_radius=self.spectral_radius,
            in_degree=self.in_degree,
            input_scaling=self.input_scaling,
            bias_scaling=self.bias_scaling,
            leak=self.leak,
            topology=self.topology,
            seed=int(seed),
        )
        return drawn.astype(self.precision)

    def _noisy(self, inputs: np.ndarray, targets: np.ndarray, series: int) -> Steps:
        """Inputs whose forecast channels carry the noise of the teacher, and targets that do not."""
        if self.teacher_noise == 0:
            return inputs, targets
        noise = np.zeros_like(inputs)
        drawn = np.random.default_rng([self.seed, series, 1]).standard_normal(targets.shape)
        noise[:, : targets.shape[1]] = self.teacher_noise * drawn
        return inputs + noise, targets

    def _coefficients(self, harvest: LocalHarvest, series: list[Steps], size: int, ridges: list[float]) -> np.ndarray:
        """[c, V] for every ridge: (ridges, groups, given, 1 + size), of one group where the readout is shared."""

        def solve(total: RowSum) -> np.ndarray:
            if total.rows < 2:
                raise DataError(
                    "no training rows are left after the washout: give longer series or a shorter `washout`"
                )
            harvest.pause()
            if len(ridges) == 1:
                return total.solve(ridges[0])[None]
            path = total.path()
            return np.stack([path.solve(ridge) for ridge in ridges])

        if self.shared:
            return solve(harvest.together(series, size))[:, None]
        return harvest.one_by_one(series, size, solve).swapaxes(0, 1)

    def _choose(
        self, harvest: LocalHarvest, coefficients: dict[float, np.ndarray], origins: Origins
    ) -> tuple[float, list[dict[str, Any]]]:
        """The ridge whose closed loop from held-out origins is best: of every second decade, then those beside it."""
        first = self._network(harvest.near, harvest.reservoirs, next(iter(coefficients.values())))
        warm = first.warm(first.initial_state(len(origins)), origins.warm)
        most = max(1, TOGETHER // warm.size)
        found: dict[float, float] = {}

        def score(ridges: list[float]) -> None:
            for at in range(0, len(ridges), most):
                harvest.pause()
                some = ridges[at : at + most]
                network = self._network(harvest.near, harvest.reservoirs, np.stack([coefficients[r] for r in some]))
                found.update(zip(some, stack_scores(network, len(some), warm, origins).tolist(), strict=True))

        score(list(coefficients)[::STEP])
        near = beside(min(found, key=found.__getitem__), STEP)
        score([ridge for ridge in near if ridge in coefficients and ridge not in found])
        history = [{"ridge": ridge, "validation": found[ridge]} for ridge in sorted(found)]
        return min(sorted(found), key=found.__getitem__), history

    def _seen(self, features: int) -> int:
        """The number of features of a readout whose reservoir sees so many."""
        return features * self.direct + feature_count(self.units, self.readout_features)

    def _network(
        self, near: Neighbourhoods, reservoirs: tuple[Reservoir, ...], coefficients: np.ndarray
    ) -> LocalEchoState:
        return LocalEchoState(near, reservoirs, coefficients, self.direct, self.increment, self.readout_features)

    def _facts(self) -> dict[str, Any]:
        return {}

    def _tensors(self) -> dict[str, np.ndarray]:
        network, reservoirs = self.network_, self.network_.reservoirs
        return {
            "W/data": np.stack([each.W.data for each in reservoirs]),
            "W/indices": np.stack([each.W.indices.astype(np.int32) for each in reservoirs]),
            "W/indptr": np.stack([each.W.indptr.astype(np.int32) for each in reservoirs]),
            "W_in": np.stack([each.W_in for each in reservoirs]),
            "b": np.stack([each.b for each in reservoirs]),
            "V": network.coefficients,
            "gain": network.near.gain,
            "shift": network.near.shift,
        }

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        grid = file_grid(self, channels)
        groups, inputs = len(grid.groups()), grid.seen + features - channels
        count = 1 if self.one_reservoir else groups
        nonzero = TOPOLOGIES[self.topology].nonzeros(Wiring(self.units, self.in_degree, **_WIRING))
        return {
            "W/data": (self.precision, (count, nonzero)),
            "W/indices": ("int32", (count, nonzero)),
            "W/indptr": ("int32", (count, self.units + 1)),
            "W_in": (self.precision, (count, self.units, inputs)),
            "b": (self.precision, (count, self.units)),
            "V": ("float64", (1 if self.shared else groups, grid.given, 1 + self._seen(inputs))),
            "gain": ("float64", (channels,)),
            "shift": ("float64", (channels,)),
        }

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        reservoirs = []
        for number in range(len(tensors["b"])):
            parts = tuple(tensors[f"W/{name}"][number] for name in ("data", "indices", "indptr"))
            W = scipy.sparse.csr_array(parts, shape=(self.units, self.units))
            W.check_format(full_check=True)  # an index outside W would read foreign memory at every step
            reservoirs.append(Reservoir(W, tensors["W_in"][number], tensors["b"][number], self.leak))
        near = Neighbourhoods.of(file_grid(self, channels), tensors["gain"], tensors["shift"])
        return self._network(near, tuple(reservoirs), tensors["V"])
