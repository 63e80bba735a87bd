"""What was not measured from what was: a reservoir that hears some channels, and a readout that gives the others."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse

from recurra import __version__
from recurra.data import Scaler, as_list, as_series, check_finite, check_trainable
from recurra.data.gaps import hold
from recurra.errors import ConfigError, DataError, ModelFileError, NotFittedError, unknown
from recurra.estimators.frame import Frame
from recurra.estimators.parameters import Checks
from recurra.reservoirs import Reservoir, draw_reservoir
from recurra.reservoirs.harvest import Harvest
from recurra.reservoirs.readout import QR_LIMIT, empty_sum
from recurra.reservoirs.topologies import TOPOLOGIES, Wiring
from recurra.series import Series
from recurra.storage import Layout, plain, write_model
from recurra.threads import one_blas_thread

_DECADES = range(-34, 1)  # exponents of the ridges that are tried
_SAME_STEP = 1e-3

Problem = tuple[np.ndarray, np.ndarray]  # what is heard (rows, features), and what is to be given (rows, targets)


@dataclasses.dataclass(kw_only=True, eq=False)
class Observer:
    r"""Infers the channels of a series that were not measured from those that were, row by row.

    .. math::
        h_t = (1 - a) h_{t-1} + a \tanh(W h_{t-1} + W_{in} m_t + b), \qquad \hat y_{t-k} = c + V [m_t; h_t]

    m are the measured channels and the inputs of a row, y the others, all of which the training series has. Nothing is
    fed back, so that nothing can run away. The ridge is the one that infers held-out rows best, and all rows are
    learned from afterwards.

    Args:
        measured: names of the channels that will be measured.
        units, spectral_radius, in_degree, input_scaling, bias_scaling, leak: of the reservoir, as of `ESN`.
        ahead: k, rows after a row that are heard before its channels are inferred. With 0 only the past is used; noise
            is averaged better with some.
        ridge: relative to the largest squared singular value of the features; None to choose it.
        washout: rows at the start of every series for which nothing is inferred, while the state forgets its start.
        validation: fraction of the training rows, at the end of every series, that choose the ridge.
        seed: of the reservoir; the same seed gives the same bits.

    Fitted attributes: `frame_`, `reservoir_`, `coefficients_` [c, V], `ridge_`, `errors_` (root mean square error of
    each inferred channel in the held-out rows before they were learned from, in standard deviations; empty where no
    ridge was chosen).

    Reference: Z. Lu, J. Pathak, B. Hunt, M. Girvan, R. Brockett, E. Ott, Chaos 27 (2017) 041102.

    Example:
        >>> t = 0.1 * np.arange(600)
        >>> series = Series(np.stack([np.cos(t), np.sin(t)], axis=1), dt=0.1, channels=["x", "v"])
        >>> observer = Observer(measured=["x"], units=50).fit(series[:500])
        >>> inferred = observer.infer(series[300:])
        >>> bool(np.abs(inferred.values - series.values[300:])[100:].max() < 1e-4)
        True
    """

    kind: ClassVar[str] = "observer"
    handed: ClassVar[tuple[str, ...]] = ()

    measured: Sequence[str]
    units: int = 500
    spectral_radius: float = 0.9
    in_degree: int = 10
    input_scaling: float = 0.2
    bias_scaling: float = 1.0
    leak: float = 0.5
    ahead: int = 0
    ridge: float | None = None
    washout: int = 100
    validation: float = 0.2
    seed: int = 0

    def check(self) -> None:
        """Refuse parameters that cannot work.

        Raises:
            ConfigError: all problems at once.
        """
        checks = Checks(self).whole("units", 1, 1_000_000).number("spectral_radius", 0).whole("in_degree", 1)
        checks.number("input_scaling", 0).number("bias_scaling", 0).number("leak", 0, 1, open_low=True)
        checks.whole("ahead", 0).number("ridge", 0, optional=True).whole("washout", 0)
        checks.number("validation", 0, 0.9, open_low=True).whole("seed", 0, 2**32 - 1).raise_all()
        names = self.measured
        if isinstance(names, str) or not names or len(set(names)) < len(names):
            raise ConfigError(f"`measured` is a list of different channels, such as ['x'], got {names!r}")

    def fit(self, data: Any) -> Self:
        """Learn from one series or many in which every channel was measured.

        Args:
            data: a `Series`, an array, a pandas object, or a list of them.

        Raises:
            ConfigError: parameters that cannot work, a channel that is not there, nothing left to infer.
            DataError: NaN that no mask covers, infinity, a constant channel, too few rows.
        """
        self.check()
        parts = as_list(data)
        check_trainable(parts, rows=self.washout + self.ahead + 5)
        frame = Frame.of(parts)
        if strangers := [name for name in self.measured if name not in frame.channels]:
            raise ConfigError(unknown("channel", strangers[0], frame.channels))
        if len(self.measured) == len(frame.channels):
            raise ConfigError(f"all channels are measured ({', '.join(frame.channels)}): there is nothing to infer")
        self.frame_ = frame
        problems = [self._problem(*frame.scaled(part)) for part in parts]
        self.reservoir_ = self._reservoir()
        with one_blas_thread():
            self._solve(problems)
        self.params_ = self.get_params()
        return self

    def infer(self, data: Any) -> Series:
        """Every channel of the rows of a series: the measured ones as they are, the others inferred.

        Args:
            data: a series with at least the measured channels, and the inputs where there are any; other channels are
                not looked at. What is missing (a mask) is heard as the last observed value.

        Returns:
            A series with all channels. Nothing is inferred in the `washout` first and the `ahead` last rows of every
            segment: there the mask is False.

        Raises:
            DataError: a channel that is missing, another step, values that are not finite, too few rows.
        """
        self._fitted()
        series = self._measured(data)
        values = np.full((len(series), len(self.frame_.channels)), np.nan)
        at = [self.frame_.channels.index(name) for name in self.measured]
        values[:, at] = series.values
        first = 0
        for part in series.segments:
            count = len(part) - self.ahead
            if count > self.washout:
                rows = slice(first + self.washout, first + count)
                values[rows, self._hidden] = self._run(part)[self.washout + self.ahead :]
            first += len(part)
        mask = np.isfinite(values)
        if not mask[:, self._hidden].any():
            raise DataError(
                f"nothing can be inferred from {len(series)} rows: the first {self.washout} (`washout`) and the last "
                f"{self.ahead} (`ahead`) of every segment only prepare it"
            )
        facts = {**self.frame_.facts, "source": "inferred", "measured": list(self.measured)}
        names = {"channels": self.frame_.channels, "units": self.frame_.units, "provenance": facts}
        return Series(
            values, dt=series.dt, times=series.times, inputs=series.inputs, mask=mask, breaks=series.breaks, **names
        )

    def save(self, path: Any, *, overwrite: bool = False) -> None:
        """Write the fitted observer as safetensors and strict JSON; `recurra.load` reads it back."""
        self._fitted()
        frame, W = self.frame_, self.reservoir_.W
        names = ("channels", "units", "inputs", "input_units", "dt", "facts")
        document = {
            "kind": self.kind,
            "recurra_version": __version__,
            "params": plain(self.params_),
            "frame": plain({name: getattr(frame, name) for name in names}),
            "found": {"ridge": self.ridge_, "errors": self.errors_},
        }
        assert not isinstance(W, np.ndarray)
        tensors = {"W/data": W.data, "W/indices": W.indices.astype(np.int32), "W/indptr": W.indptr.astype(np.int32)}
        tensors |= {"W_in": self.reservoir_.W_in, "b": self.reservoir_.b, "V": self.coefficients_}
        for name, scaler in (("scaler", frame.scaler), ("drive_scaler", frame.drive_scaler)):
            tensors |= {f"{name}/mean": scaler.mean, f"{name}/std": scaler.std}
        write_model(Path(path), tensors, document, overwrite=overwrite)

    def layout(self, document: dict[str, Any]) -> Layout:
        """Dtype and shape of every array that the description in a model file calls for."""
        channels, inputs = len(document["frame"]["channels"]), len(document["frame"]["inputs"])
        heard = len(self.measured) + inputs
        nonzero = TOPOLOGIES["random"].nonzeros(Wiring(self.units, self.in_degree, 10, 0.1))
        arrays: Layout = {
            "W/data": ("float64", (nonzero,)),
            "W/indices": ("int32", (nonzero,)),
            "W/indptr": ("int32", (self.units + 1,)),
            "W_in": ("float64", (self.units, heard)),
            "b": ("float64", (self.units,)),
            "V": ("float64", (channels - len(self.measured), 1 + heard + self.units)),
        }
        for name, size in (("scaler", channels), ("drive_scaler", inputs)):
            arrays |= {f"{name}/{part}": ("float64", (size,)) for part in ("mean", "std")}
        return arrays

    def restore(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> "Observer":
        """This observer, fitted as a model file says."""
        said = document["frame"]
        names = [tuple(said[name]) for name in ("channels", "units", "inputs", "input_units")]
        if strangers := [name for name in self.measured if name not in names[0]]:
            raise ModelFileError(f"the file measures {strangers[0]!r}, which is none of its channels")
        scaler, drive = (Scaler(tensors[f"{name}/mean"], tensors[f"{name}/std"]) for name in ("scaler", "drive_scaler"))
        self.frame_ = Frame(names[0], names[1], names[2], names[3], float(said["dt"]), scaler, drive, said["facts"])
        parts = tensors["W/data"], tensors["W/indices"], tensors["W/indptr"]
        W = scipy.sparse.csr_array(parts, shape=(self.units, self.units))
        W.check_format(full_check=True)  # an index outside W would read foreign memory at every step
        self.reservoir_ = Reservoir(W, tensors["W_in"], tensors["b"], self.leak)
        self.coefficients_, self.params_ = tensors["V"], self.get_params()
        self.ridge_, self.errors_ = document["found"]["ridge"], document["found"]["errors"]
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every constructor argument by name."""
        del deep  # no parameter is itself an estimator
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def _fitted(self) -> None:
        if not hasattr(self, "coefficients_"):
            raise NotFittedError("this Observer is not fitted yet: call `fit(data)` first")
        changed = [name for name, value in self.get_params().items() if value != self.params_[name]]
        if changed:
            raise ConfigError(f"{', '.join(map(repr, changed))} changed after `fit`: fit again, or set the old value")

    @property
    def _heard(self) -> list[int]:
        return [self.frame_.channels.index(name) for name in self.measured]

    @property
    def _hidden(self) -> list[int]:
        return [k for k in range(len(self.frame_.channels)) if k not in self._heard]

    def _reservoir(self) -> Reservoir:
        return draw_reservoir(
            self.units,
            len(self.measured) + len(self.frame_.inputs),
            spectral_radius=self.spectral_radius,
            in_degree=self.in_degree,
            input_scaling=self.input_scaling,
            bias_scaling=self.bias_scaling,
            leak=self.leak,
            seed=self.seed,
        )

    def _problem(self, values: np.ndarray, drive: np.ndarray) -> Problem:
        """What is heard, and the targets beside it: those of row t - ahead beside row t, NaN where there are none."""
        heard = np.concatenate([hold(values[:, self._heard]), drive], axis=1)
        targets = np.full((len(values), len(self._hidden)), np.nan)
        targets[self.ahead :] = values[: len(values) - self.ahead, self._hidden]
        return heard, targets

    def _harvest(self) -> Harvest:
        return Harvest(self.reservoir_, 1, False, self.washout + self.ahead)

    def _solve(self, problems: list[Problem]) -> None:
        harvest = self._harvest()
        features = self.reservoir_.features + self.units
        if features > QR_LIMIT:
            raise ConfigError(f"an observer has at most {QR_LIMIT} features, and {self.units} units make {features}")
        total, tails = empty_sum(features, len(self._hidden)), []
        for heard, targets in problems:
            head = len(heard) if self.ridge is not None else round((1 - self.validation) * len(heard))
            added, state = harvest.add(total, heard, targets, range(head), None)
            total = added
            tails.append((heard, targets, range(head, len(heard)), state))
        if total.rows < 2:
            raise DataError("no training rows are left after the washout: give longer series or a shorter `washout`")
        ridge, self.errors_ = self.ridge, {}
        if ridge is None:
            path = total.path()
            stack = np.stack([path.solve(10.0**k) for k in _DECADES])
            squares, rows = np.zeros(stack.shape[:2]), 0
            for heard, targets, steps, state in tails:
                for seen, wanted, _ in harvest.blocks(heard, targets, steps, state):
                    given = np.einsum("rtf,nf->rnt", stack[:, :, 1:], seen, optimize=True) + stack[:, None, :, 0]
                    squares, rows = squares + ((given - wanted) ** 2).sum(axis=1), rows + len(seen)
                total, _ = harvest.add(total, heard, targets, steps, state)
            if rows == 0:
                raise DataError("no rows validate: give longer series, or a larger `validation`")
            best = int(squares.sum(axis=1).argmin())
            ridge = 10.0 ** _DECADES[best]
            names = [self.frame_.channels[k] for k in self._hidden]
            self.errors_ = dict(zip(names, np.sqrt(squares[best] / rows).tolist(), strict=True))
        self.ridge_, self.coefficients_ = ridge, total.solve(ridge)

    def _measured(self, data: Any) -> Series:
        """The measured channels of a series, checked."""
        series, frame = as_series(data), self.frame_
        if missing := [name for name in self.measured if name not in series.channels]:
            raise DataError(f"the series has {list(series.channels)}, and {', '.join(missing)} was to be measured")
        if abs(series.dt - frame.dt) > _SAME_STEP * frame.dt:
            raise DataError(
                f"the series has a step of {series.dt:g}; the observer was fitted to {frame.dt:g}: resample"
            )
        names = series.inputs.channels if series.inputs is not None else ()
        if names != frame.inputs:
            raise DataError(f"the series has the inputs {list(names)}; the observer was fitted to {list(frame.inputs)}")
        at = [series.channels.index(name) for name in self.measured]
        found = Series(
            series.values[:, at],
            dt=series.dt,
            times=series.times,
            channels=tuple(self.measured),
            inputs=series.inputs,
            mask=series.observed[:, at],
            breaks=series.breaks,
        )
        check_finite(found, "the series")
        return found

    def _run(self, part: Series) -> np.ndarray:
        """What the readout gives at every row of a segment, in the units of the data."""
        scaler, hidden = self.frame_.scaler, self._hidden
        heard = hold((part.values - scaler.mean[self._heard]) / scaler.std[self._heard])
        if part.inputs is not None:
            heard = np.concatenate([heard, self.frame_.drive_scaler.scale(part.inputs.values)], axis=1)
        blank, state = np.zeros((len(heard), len(hidden))), np.zeros(self.units)
        given = np.full((len(heard), len(hidden)), np.nan)
        harvest, first = self._harvest(), self.washout + self.ahead
        for seen, _, _ in harvest.blocks(heard, blank, range(len(heard)), state):
            given[first : first + len(seen)] = self.coefficients_[:, 0] + seen @ self.coefficients_[:, 1:].T
            first += len(seen)
        return scaler.mean[hidden] + scaler.std[hidden] * given
