"""The echo state network as an estimator: only the readout is trained, in closed form or step by step."""

import dataclasses
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import scipy.sparse

from recurra.errors import ConfigError, DataError
from recurra.estimators.base import Estimator
from recurra.estimators.held_out import HeldOut
from recurra.estimators.memory import refuse_beyond_memory
from recurra.estimators.parameters import Checks
from recurra.estimators.saturation import warn_of_saturation
from recurra.estimators.training_set import Scaled, TrainingSet, steps, unknown_part
from recurra.reservoirs import (
    READOUT_FEATURES,
    TOPOLOGIES,
    EchoState,
    FreeRuns,
    Plasticity,
    RecursiveLeastSquares,
    Refinement,
    Reservoir,
    draw_reservoir,
    force_train,
)
from recurra.reservoirs.features import feature_count
from recurra.reservoirs.harvest import Harvest
from recurra.reservoirs.readout import QR_LIMIT, RowSum, TriangularFactor, empty_sum
from recurra.reservoirs.topologies import Wiring
from recurra.storage import Layout
from recurra.threads import one_blas_thread

READOUTS = ["ridge", "rls", "force"]


@dataclasses.dataclass(kw_only=True, eq=False)
class ESN(Estimator):
    r"""Echo state network with a leaky, sparse reservoir and a linear readout.

    .. math::
        h_t = (1 - a) h_{t-1} + a \tanh(W h_{t-1} + W_{fb} y_t + W_{in} u_{t+1} + b), \qquad
        y_{t+1} = c + V [y_t; u_{t+1}; \phi(h_t)]

    Args:
        units: reservoir units N.
        spectral_radius: of W, met to rounding; of a delay line, whose eigenvalues are all zero, every weight.
        topology: "random"; "ring", "cycle-jumps", "delay-line" (all weights alike); "permutation", "orthogonal" (keep
            the length of every state); "small-world"; "k-shift" (random weights on a few random shifts: the fastest).
        in_degree: nonzero entries in each row of W (random, small-world, k-shift), units that are rotated together
            (orthogonal).
        jump: distance between the units that are joined across the ring (cycle-jumps).
        rewiring: probability that a link to a neighbour goes to a random unit instead (small-world).
        input_scaling: entries of W_in are uniform on (-s, s); the inputs have unit variance.
        feedback_scaling: of W_fb, the weights of the forecast channels; None takes `input_scaling`. With 0 the state
            is a function of the drive alone, and with `lags=0` so is the forecast: a filter, in closed loop as in open.
        bias_scaling: entries of b are uniform on (-s, s).
        leak: leaking rate a in (0, 1].
        plasticity: passes of intrinsic plasticity over the training rows, before the readout is trained: every unit
            learns a gain and a bias, which become part of W, W_fb, W_in and b (W then has another spectral radius).
        plasticity_mean, plasticity_std: of the Gaussian distribution that the activity of every unit is to have.
        plasticity_rate: learning rate of it.
        readout_features: what the readout sees of the states: "states", "squared-half" (every second one squared: it
            breaks the symmetry y -> -y of a network without bias), "squares" (states and their squares).
        lags: inputs that the readout sees directly, beside the reservoir: the latest l of [y, u]; 0 for none.
        increment: learn y[t+1] - y[t] instead of y[t+1].
        readout: "ridge"; "rls", recursive least squares, which can forget; "force", recursive least squares while the
            network runs on its own output.
        ridge: for "ridge": penalty on V, relative to the largest squared singular value of the readout's features;
            None tries powers of ten down to 1e-35 (noiseless data want them that small) and takes the one that
            forecasts held-out rows best in closed loop, then refits on all rows.
        penalty: for "rls" and "force": penalty on V, absolute.
        forgetting: for "rls" and "force": weight of a row relative to the next one; 1 / (1 - forgetting) rows are
            remembered.
        teacher_noise: standard deviation of the noise that is added to the y that the reservoir sees in training,
            relative to that of y; it steadies the closed loop.
        washout: rows dropped at the start of every training series, while the state forgets that it started at zero.
        warmup: rows of history run through the network before a forecast; None takes `washout`.
        validation: fraction of the training rows held out to choose the ridge.
        horizon: steps of each validation forecast; None takes 300, or half of the held-out rows.
        origins: number of validation forecasts.
        precision: "float64", or "float32" for the weights and states of the reservoir: faster, and too coarse for
            noiseless chaos. The sums of the readout and its coefficients are float64 in both.
        draws: for "ridge": number of reservoirs that are drawn. The best one is kept: the one that forecasts held-out
            rows best in closed loop or, where `ridge` is given and nothing is held out, the one whose readout leaves
            least of the training targets (all have as many features). How good a small reservoir is depends much on
            how it was drawn.
        refine: for "ridge": steps h of free runs from everywhere in the training rows; the readout is then refined
            for what they forecast after h steps, by Gauss-Newton steps from the ridge regression
            (`recurra.reservoirs.Refinement`). 0 for none. For data without noise, where the errors are the network's
            own; it takes some seconds for a few hundred units. On Lorenz-63 with noise of 0.1 or 1 % the held-out
            rows chose no step. Only where rows are held out does anything stop it there: leave `ridge` at None.
        passes: for `refine`: Gauss-Newton steps, at most. Where rows are held out, as many as forecast them best,
            which may be none; where `ridge` is given, all.
        tune: seconds of a search (as of `Auto`) over radius, leak, scalings, size, lags and the like, as far as they
            are left at their defaults; None for none. What it chose is in `tuned_`, and is what a file holds.
        seed: of the reservoir and the noise; the same seed gives the same bits.

    Rows with a missing target drive the reservoir and are not learnt from.

    References: H. Jaeger, GMD Report 148, 2001; M. Lukosevicius, A practical guide to applying echo state networks,
    in Neural Networks: Tricks of the Trade, Springer 2012; for the options see `recurra.reservoirs`.
    """

    kind: ClassVar[str] = "esn"

    units: int = 500
    spectral_radius: float = 0.9
    topology: str = "random"
    in_degree: int = 10
    jump: int = 10
    rewiring: float = 0.1
    input_scaling: float = 0.1
    feedback_scaling: float | None = None
    bias_scaling: float = 1.0
    leak: float = 1.0
    plasticity: int = 0
    plasticity_mean: float = 0.0
    plasticity_std: float = 0.2
    plasticity_rate: float = 1e-3
    readout_features: str = "states"
    lags: int = 1
    increment: bool = False
    readout: str = "ridge"
    ridge: float | None = None
    penalty: float = 1e-6
    forgetting: float = 1.0
    teacher_noise: float = 0.0
    washout: int = 100
    warmup: int | None = None
    validation: float = 0.2
    horizon: int | None = None
    origins: int = 10
    precision: str = "float64"
    draws: int = 1
    refine: int = 0
    passes: int = 5
    tune: float | None = None
    seed: int = 0

    def check(self) -> None:
        checks = Checks(self).whole("units", 1, 1_000_000).number("spectral_radius", 0).whole("in_degree", 1)
        checks.choice("topology", list(TOPOLOGIES)).whole("jump", 2).number("rewiring", 0, 1)
        checks.number("input_scaling", 0).number("feedback_scaling", 0, optional=True).number("bias_scaling", 0)
        checks.number("leak", 0, 1, open_low=True).whole("plasticity", 0).number("plasticity_mean", -0.99, 0.99)
        checks.number("plasticity_std", 0, 1, open_low=True).number("plasticity_rate", 0, 1, open_low=True)
        checks.choice("readout_features", list(READOUT_FEATURES)).whole("lags", 0).flag("increment")
        checks.choice("readout", READOUTS).number("ridge", 0, optional=True).number("penalty", 0, open_low=True)
        checks.number("forgetting", 0, 1, open_low=True).number("teacher_noise", 0)
        checks.whole("washout", 0).whole("warmup", 0, optional=True)
        checks.number("validation", 0, 0.9, open_low=True).whole("horizon", 1, optional=True).whole("origins", 1)
        checks.choice("precision", ["float32", "float64"]).number("tune", 0, open_low=True, optional=True)
        checks.whole("refine", 0).whole("passes", 1).whole("draws", 1, 1_000_000)
        checks.whole("seed", 0, 2**32 - 1).raise_all()
        if self.lags > min(self.washout, self._warmup_rows()) + 1:
            raise ConfigError(
                f"ESN: `lags={self.lags}` reaches back further than the state is warmed up: set it to at most "
                f"{min(self.washout, self._warmup_rows()) + 1}, or raise `washout` and `warmup`"
            )
        self._check_readout()

    def _check_readout(self) -> None:
        """Refuse an option that the readout would not use."""
        if self.readout == "ridge" and self.forgetting != 1:
            raise ConfigError(
                f"ESN: `forgetting={self.forgetting:g}` needs `readout='rls'` or 'force': 'ridge' weighs all rows alike"
            )
        if self.readout != "ridge" and self.ridge is not None:
            raise ConfigError(
                f"ESN: `ridge` is the penalty of `readout='ridge'`; {self.readout!r} takes an absolute `penalty`"
            )
        if self.readout != "ridge" and self.draws > 1:
            raise ConfigError(f"ESN: `draws` chooses among readouts by ridge regression, not by {self.readout!r}")
        if self.readout != "ridge" and self.refine:
            raise ConfigError(f"ESN: `refine` starts from a ridge regression, not from {self.readout!r}")
        if self.readout == "force" and self.teacher_noise > 0:
            raise ConfigError(
                "ESN: `teacher_noise` has no use with `readout='force'`: the network sees its own errors there. Set "
                "it to 0, or take another readout"
            )

    def _warmup_rows(self) -> int:
        return int(self.washout if self.warmup is None else self.warmup)

    def _learn(self, training: TrainingSet) -> tuple[EchoState, list[dict[str, Any]]]:
        seen = self._seen(training.frame.features)
        need = 5 * 8 * seen**2  # the sums, their eigenvectors and the workspace of the solver
        refuse_beyond_memory(need, f"a readout of {seen} features", "take fewer `units`")
        if self.refine and training.known is not None:
            raise ConfigError("ESN: `refine` is not for a network that learns the rest of an equation: set it to 0")
        if self.refine and seen > QR_LIMIT:
            raise ConfigError(
                f"ESN: `refine` is for readouts of at most {QR_LIMIT} features, here {seen}: set it to 0, or take "
                "fewer `units`"
            )
        with one_blas_thread() if seen <= QR_LIMIT else nullcontext():
            return self._solve(training)

    def _solve(self, training: TrainingSet) -> tuple[EchoState, list[dict[str, Any]]]:
        pairs = ((inputs, unknown_part(training.known, inputs, y)) for inputs, y in map(steps, training.parts))
        parts = [self._noisy(*pair, series) for series, pair in enumerate(pairs)]
        searching = self.readout == "ridge" and self.ridge is None
        cuts = training.cuts(self.validation) if searching else [len(inputs) + 1 for inputs, _ in parts]
        heads = [max(0, at - 1) for at in cuts]  # a series of n rows has n - 1 steps
        held = training.validation(cuts, self._warmup_rows()) if searching else []
        if self.readout == "ridge":
            drawn = (self._drawn(training, parts, heads, held, draw) for draw in range(self.draws))
            best, history = _best(drawn)
            harvest, total = best.harvest, best.total
            for (inputs, targets), head, state in zip(parts, heads, best.states, strict=True):
                if head < len(inputs):
                    total, _ = harvest.add(total, inputs, targets, range(head, len(inputs)), state)
            coefficients = _told(total).solve(best.ridge)
            if self.refine:
                rows = [(inputs[:head], targets[:head]) for (inputs, targets), head in zip(parts, heads, strict=True)]
                passes, tried = self._passes(best, rows)
                history += tried
                coefficients = self._refined(best, total, parts, passes)[-1]
        else:
            harvest, history = self._harvest(self._reservoir(training, [inputs for inputs, _ in parts]), training), []
            coefficients = self._online(harvest, parts)
        warn_of_saturation(self, harvest.saturation.share, training.warn)
        network = self._network(harvest.reservoir, coefficients)
        return dataclasses.replace(network, known=training.known), history

    def _drawn(
        self, training: TrainingSet, parts: list[Scaled], heads: list[int], held: list[Scaled], draw: int
    ) -> "_Drawn":
        """One reservoir with the sums over the rows before those that are held out, and how good it is."""
        reservoir = self._reservoir(
            training, [inputs[:head] for (inputs, _), head in zip(parts, heads, strict=True)], draw
        )
        harvest = self._harvest(reservoir, training)
        total: RowSum = empty_sum(self._seen(training.frame.features), parts[0][1].shape[1])
        states = []
        for (inputs, targets), head in zip(parts, heads, strict=True):
            total, state = harvest.add(total, inputs, targets, range(head), None)
            states.append(state)
        which, ridge = {"draw": draw} if self.draws > 1 else {}, self.ridge
        if ridge is None:
            path, sizes = _told(total).path(), {"horizon": self.horizon, "count": self.origins}
            network = self._network(reservoir, path.solve(1.0))
            loops = HeldOut.of(network, held, training, warmup=self._warmup_rows(), **sizes)
            ridge, tried = loops.ridge(path)
            score = min(entry["validation"] for entry in tried)
            return _Drawn(harvest, total, states, ridge, score, [which | entry for entry in tried], loops)
        if self.draws == 1:
            return _Drawn(harvest, total, states, ridge, 0.0, [])
        left = total.left(_told(total).solve(ridge)) / total.rows
        return _Drawn(harvest, total, states, ridge, left, [which | {"ridge": ridge, "left": left}])

    def _passes(self, best: "_Drawn", parts: list[Scaled]) -> tuple[int, list[dict[str, Any]]]:
        """How many steps of the refinement forecast held-out rows best, and how each did; all where none are held."""
        if best.loops is None:
            return self.passes, []
        found = best.loops.scores(self._refined(best, best.total, parts, self.passes))
        tried = [{"ridge": best.ridge, "passes": k, "validation": found[k]} for k in range(1, len(found))]
        return int(np.argmin(found)), tried

    def _refined(self, best: "_Drawn", total: RowSum, parts: list[Scaled], passes: int) -> np.ndarray:
        """The readouts of the ridge and after every step of the refinement, from the rows that are in the sums."""
        assert isinstance(total, TriangularFactor)
        network = self._network(best.harvest.reservoir, _told(total).solve(best.ridge))
        runs = FreeRuns.of(network, parts, steps=self.refine, washout=self.washout)
        if not len(runs):
            raise DataError(
                f"no free run of `refine={self.refine}` steps fits into the training rows after the washout, those "
                "that are held out left aside: give longer series, or a smaller `refine`"
            )
        return Refinement.of(network, total, best.ridge, runs, best.harvest.pause).readouts(passes)

    def _harvest(self, reservoir: Reservoir, training: TrainingSet) -> Harvest:
        return Harvest(reservoir, self.lags, self.increment, self.washout, self.readout_features, training.pause)

    def _reservoir(self, training: TrainingSet, parts: list[np.ndarray], draw: int = 0) -> Reservoir:
        """The reservoir, its units adapted to these inputs where there is plasticity."""
        reservoir = draw_reservoir(
            self.units,
            training.frame.features,
            spectral_radius=self.spectral_radius,
            in_degree=self.in_degree,
            input_scaling=self.input_scaling,
            bias_scaling=self.bias_scaling,
            leak=self.leak,
            topology=self.topology,
            jump=self.jump,
            rewiring=self.rewiring,
            channels=len(training.frame.channels),
            feedback_scaling=self.feedback_scaling,
            seed=[self.seed, draw] if draw else self.seed,
        )
        if self.plasticity == 0:
            return reservoir.astype(self.precision)
        rule = Plasticity(self.plasticity_mean, self.plasticity_std, self.plasticity_rate)
        adapted = rule.train(reservoir, parts, epochs=self.plasticity, washout=self.washout, pause=training.pause)
        return adapted.astype(self.precision)

    def _noisy(self, inputs: np.ndarray, targets: np.ndarray, series: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs whose forecast channels carry the noise of the teacher, and targets that do not."""
        if self.teacher_noise == 0:
            return inputs, targets
        noise = np.zeros_like(inputs)
        drawn = np.random.default_rng([self.seed, series, 1]).standard_normal(targets.shape)
        noise[:, : targets.shape[1]] = self.teacher_noise * drawn
        return inputs + noise, targets

    def _online(self, harvest: Harvest, parts: list[Scaled]) -> np.ndarray:
        """The readout after recursive least squares over all rows of all series, in open or in closed loop."""
        features, channels = parts[0][0].shape[1], parts[0][1].shape[1]
        size = self._seen(features)
        readout = RecursiveLeastSquares.start(size, channels, penalty=self.penalty, forgetting=self.forgetting)
        for inputs, targets in parts:
            if self.readout == "force":
                network = self._network(harvest.reservoir, readout.coefficients)
                options = {"washout": self.washout, "pause": harvest.pause, "saturation": harvest.saturation}
                readout = force_train(network, readout, inputs, targets, **options).readout
                continue
            start = np.zeros(self.units)
            for seen, wanted, _ in harvest.blocks(inputs, targets, range(len(inputs)), start):
                readout = readout.update(seen, wanted)
        if readout.rows < 2:
            raise DataError(_NOTHING)
        return np.ascontiguousarray(readout.coefficients)

    def _seen(self, features: int) -> int:
        """The number of features of the readout."""
        return self.lags * features + feature_count(self.units, self.readout_features)

    def _network(self, reservoir: Reservoir, coefficients: np.ndarray) -> EchoState:
        return EchoState(reservoir, coefficients, self.lags, self.increment, self.readout_features)

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
        wiring = Wiring(self.units, self.in_degree, self.jump, self.rewiring)
        nonzero = TOPOLOGIES[self.topology].nonzeros(wiring)
        return {
            "W/data": (self.precision, (nonzero,)),
            "W/indices": ("int32", (nonzero,)),
            "W/indptr": ("int32", (self.units + 1,)),
            "W_in": (self.precision, (self.units, features)),
            "b": (self.precision, (self.units,)),
            "V": ("float64", (channels, 1 + self._seen(features))),
        }

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        parts = tensors["W/data"], tensors["W/indices"], tensors["W/indptr"]
        W = scipy.sparse.csr_array(parts, shape=(self.units, self.units))
        W.check_format(full_check=True)  # an index outside W would read foreign memory at every step
        return self._network(Reservoir(W, tensors["W_in"], tensors["b"], self.leak), tensors["V"])


@dataclasses.dataclass(frozen=True, eq=False)
class _Drawn:
    """A reservoir that was drawn: its sums over the rows that are not held out, what was chosen, and its score."""

    harvest: Harvest
    total: RowSum
    states: list[np.ndarray]
    ridge: float
    score: float
    history: list[dict[str, Any]]
    loops: HeldOut | None = None


def _best(drawn: Iterable[_Drawn]) -> tuple[_Drawn, list[dict[str, Any]]]:
    """The one with the lowest score, the first of several, and what was tried of all; no more than two at a time."""
    best, history = None, []
    for one in drawn:
        history += one.history
        best = one if best is None or one.score < best.score else best
    assert best is not None
    return best, history


_NOTHING = "no training rows are left after the washout: give longer series or a shorter `washout`"


def _told(total: RowSum) -> RowSum:
    if total.rows < 2:
        raise DataError(_NOTHING)
    return total
