"""`Estimator`: what most users touch. Scaler, network, warm-up rows and baselines behind `fit` and `forecast`."""

import copy
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from recurra._types import LOST, Forecaster
from recurra.data import as_list, check_trainable
from recurra.data.check import check_whole_numbers, warn
from recurra.data.leakage import warn_of_whole_scaling
from recurra.errors import ConfigError, DataError, NotFittedError, unknown
from recurra.estimators.backtest import Backtest, pick_origins
from recurra.estimators.baseline_set import SHORT, fit_baselines, warmup_rows
from recurra.estimators.frame import Frame
from recurra.estimators.model_file import save
from recurra.estimators.running import Runner, rows_before
from recurra.estimators.scoring import cut_history, score_runners
from recurra.estimators.trained import TrainedRows
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Origins, forecast_origins
from recurra.series import Series
from recurra.storage import Layout

Progress = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(kw_only=True, eq=False)
class Estimator(ABC):
    """Interface of every learner: the constructor stores its arguments, `fit` returns self.

    Fitted attributes: `frame_` (names, step, scaling), `network_` (the forecaster, in scaled units), `recent_` (the
    last training rows, on which a forecast without `history` warms up; missing values held), `continues_` (whether a
    series can follow them), `trained_` (how the training rows are recognised), `baselines_` (forecasters by name),
    `history_` (one entry a training epoch or candidate), `alarms_` (of this fit, see `recurra.training.alarms`; empty
    after loading), `params_` (the parameters as they were).
    """

    kind: ClassVar[str]
    handed: ClassVar[tuple[str, ...]] = ()  # parameters that no file holds: `load` takes them

    @abstractmethod
    def check(self) -> None:
        """Refuse parameters that cannot work.

        Raises:
            ConfigError: all problems at once.
        """

    @abstractmethod
    def _learn(self, training: TrainingSet) -> tuple[Forecaster, list[dict[str, Any]]]:
        """Fit the network in scaled units; returns it and its history."""

    @abstractmethod
    def _warmup_rows(self) -> int:
        """Rows of history that are run through the network before the closed loop."""

    @abstractmethod
    def _facts(self) -> dict[str, Any]:
        """Plain data about the fitted network that the parameters do not say (a chosen ridge, an order)."""

    @abstractmethod
    def _tensors(self) -> dict[str, np.ndarray]:
        """The fitted network as named arrays."""

    @abstractmethod
    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        """Dtype and shape of each of those arrays, from the parameters and `facts` alone."""

    @abstractmethod
    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        """The network from its arrays."""

    def fit(
        self,
        data: Any,
        *,
        validation: Any = None,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Train on one series or on many of any lengths; the segments of one with breaks are many.

        Missing values (a mask) are held at the last observed one where the network sees them, and left out where its
        forecasts are compared to them.

        Args:
            data: a `Series`, an array, a pandas object, or a list of them: the training part alone.
            validation: series for closed-loop validation. Default: the end of the training rows (or, of many series,
                the last ones), held out where a method validates.
            checkpoint: file to which an iterative training writes its state, and from which it resumes.
            progress: called after every stretch of training with epoch, epochs, loss, validation and seconds; without
                epochs, between the pieces of the solution. What it raises stops the fit.

        Raises:
            ConfigError: parameters that cannot work, all problems at once; a warm-up longer than every series.
            DataError: NaN that no mask covers, infinity, a constant channel, too few rows, series that do not fit
                together.
            DivergenceError: the training left the finite numbers; says where and why.
        """
        self.check()
        vars(self).pop("network_", None)  # what an earlier fit found decides nothing in this one
        parts = as_list(data)
        check_whole_numbers(data)
        warn_of_whole_scaling(data)
        self._check_window(parts)
        check_trainable(parts, rows=self._warmup_rows() + 3)
        frame = Frame.of(parts)
        held = None if validation is None else as_list(validation)
        for part in held or []:
            frame.check(part, "validation")
        training = TrainingSet.of(frame, parts, held, checkpoint, progress)
        self.alarms_: list[dict[str, Any]] = []
        learner, trials = self._searched(training)
        network, history = learner._learn(training)
        self.frame_, self.history_ = frame, [*trials, *history]
        self.network_: Any = network
        self.alarms_ = vars(learner).get("alarms_", self.alarms_)
        learner.network_ = network
        self.baselines_ = fit_baselines(training, leave_out=self.kind)
        self.recent_ = frame.held(parts[-1])[-self.memory :]
        self.trained_: TrainedRows | None = TrainedRows.of(parts)
        self.rows_ = parts  # shared with who gave them; no file holds them
        # Of several series that end together, times do not tell which one goes on.
        self.continues_ = len(parts) == 1
        self.params_ = {
            name: copy.deepcopy(value) if isinstance(value, dict | list) else value  # they may change in place
            for name, value in self.get_params().items()
        }
        return self

    def _searched(self, training: TrainingSet) -> "tuple[Estimator, list[dict[str, Any]]]":
        """What is fitted, and what was tried to find it: this estimator itself where it has no `tune`."""
        vars(self).pop("tuned_", None)
        if getattr(self, "tune", None) is None:
            return self, []
        from recurra.estimators.search.tuning import tuned

        self.tuned_, trials = tuned(self, training)
        return self.tuned_, trials

    @property
    def acting(self) -> "Estimator":
        """What was fitted: this estimator or, with `tune`, the one with the settings that the search chose."""
        return vars(self).get("tuned_", self)

    def _check_window(self, parts: list[Series]) -> None:
        """Refuse a warm-up that no series is long enough for, while it could be shorter."""
        longest, warmup = max(map(len, parts), default=0), self._warmup_rows()
        if 3 <= longest < warmup + 3:
            raise ConfigError(
                f"{type(self).__name__} warms up on {warmup} rows and learns from at least 3 more: {warmup} + 3 = "
                f"{warmup + 3} rows in one piece, and the longest series has {longest}. Take a warm-up of at most "
                f"{longest - 3} rows (`warmup`, `washout` or `bptt_length`), or give longer series"
            )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every constructor argument by name."""
        del deep  # no parameter is itself an estimator
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def _saved(self) -> dict[str, Any]:
        """The parameters as a model file holds them."""
        return self.get_params()

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name; refuses an unknown one with the nearest known name."""
        known = [field.name for field in dataclasses.fields(self)]
        for name, value in params.items():
            if name not in known:
                raise ConfigError(unknown("parameter", name, known))
            setattr(self, name, value)
        return self

    def forecast(self, n: int, history: Any = None, inputs: Any = None) -> Series:
        """Run the network on its own output for `n` steps: a `Series` in the units of the data.

        Args:
            n: number of steps; row 0 is the step after the last row of `history`.
            history: what is known, at least one row; its last `warmup` rows warm the state up, missing values held;
                of a series with breaks, the rows after the last one. Default: the end of the training rows.
            inputs: drive of the forecast rows where the model has one; row k at the time of forecast row k. By name,
                `{"F": values}`, or `{"rho": 28.0}` where it does not change.

        Warns:
            RecurraWarning: the forecast runs away; `provenance["lost_after"]` is the number of rows before it does.
        """
        forecast = self._runner().forecast(self._known(history), n, inputs)
        if (rows := forecast.provenance.get("lost_after")) is not None:
            warn(
                f"the closed loop runs away: from row {rows} (time {forecast.times[rows]}) on it is held at {LOST:g} "
                f"standard deviations. Use its first {rows} rows, and look at what the model has learned"
            )
        return forecast

    def baseline_forecasts(self, n: int, history: Any = None, inputs: Any = None) -> dict[str, Series]:
        """What every baseline forecasts from the same history, by name."""
        known = self._known(history)
        return {
            name: runner.forecast(known, n, inputs) for name, runner in self._runners().items() if name != self.kind
        }

    def predict(self, data: Any, *, history: Any = None) -> Series:
        """One step ahead from the true rows (teacher-forced): row k is the forecast of row k from the rows before it.

        Args:
            data: the true rows. Where they follow the one training series (or `history`) every row is forecast;
                otherwise the first row is only an input, and the result has one row less. After a break the first row
                is only an input too, and the result has a break there.
            history: rows just before `data`.
        """
        runner = self._runner()
        series = self.frame_.series_of(data)
        self.frame_.check(series, "data")
        before = rows_before(series, data, history, self._followed(), self.frame_)
        if before is not None and not isinstance(data, Series):
            series = self.frame_.series_of(data, after=before)
        return runner.predict(series, before)

    def infer(self, *, measured: Sequence[str], **options: Any) -> Any:
        """An `Observer` that infers the other channels from the measured ones, fitted to the rows of this model.

        It has a reservoir of its own, whatever the model is: `model.infer(measured=["x"]).infer(series)`.

        Args:
            measured: names of the channels that will be measured.
            options: of `Observer`.

        Raises:
            ConfigError: a model that was loaded: its file does not hold the rows that it was fitted to.
        """
        from recurra.estimators.observer import Observer

        self._runner()
        if not hasattr(self, "rows_"):
            raise ConfigError(
                "a loaded model has no training rows to fit an observer to: fit `Observer(measured=...)` to them, and "
                "save that, which has a file of its own"
            )
        return Observer(measured=measured, **options).fit(self.rows_)

    def score(self, data: Any, *, history: Any = None, threshold: float = 0.4) -> dict[str, Any]:
        """Closed-loop and one-step scores on rows that were not trained on, each beside the baselines.

        Args:
            data: a series or a list. One that follows the one training series (or `history`) is forecast whole; any
                other, and every segment after a break, gives its first rows as history, as many as the warm-up needs,
                and is scored on the rest.
            history: rows just before `data`, for one series.
            threshold: of the valid prediction time.

        Returns:
            {"closed_loop": {...}, "one_step": {...}}: rmse, nrmse, mae, smape, r2 (None of one row), rows, by_channel,
            missing (values of the truth that were left out, where there are any); the closed loop also has valid_time
            (the median over series; valid_lyapunov_times where the exponent is known), valid_to_end (how many series
            the forecast never left: there valid_time is only a lower bound), lost_rows (rows after the forecast ran
            away, where it did: the errors are those of the rows before); and "baselines" with the same for each one.
            Where persistence alone explains nearly all of the series, one_step has "notes", sentences that say so.

        Raises:
            ConfigError: rows that were trained on, or that lie before the training part.
            DataError: a series that is not like the training data, or too short.
        """
        runners, given = self._runners(), self.frame_.many(data)
        if history is not None and len(given) > 1:
            raise DataError("`history` goes before one series; a list of series brings its own first rows")
        cuts = []
        for series in given:
            self.frame_.check(series, "data")
            before = rows_before(series, data, history, self._followed(), self.frame_)
            cuts += cut_history(series, before, self._history_rows())
        for _, part in cuts:
            self.refuse_trained(part)
        scores = score_runners(runners, cuts, threshold)
        if lost := scores["closed_loop"].get("lost_rows"):
            warn(
                f"the closed loop runs away in {lost} of the rows to score: its errors are those of the rows before, "
                "and say so as `lost_rows`"
            )
        return scores

    def backtest(self, data: Any, horizon: int, origins: int | Sequence[int] = 10) -> Backtest:
        """Closed-loop forecasts from many origins in one series, the network fitted once (rolling origin).

        Args:
            data: the series; every origin uses its rows up to the origin and is scored on the `horizon` rows after it.
            horizon: steps of each forecast.
            origins: how many, evenly spread over the rows that were not trained on; or the index of the last known row
                of each. No origin's rows reach over a break.

        Raises:
            ConfigError: origins that cannot be, or that are followed by rows that were trained on.
        """
        runners, series = self._runners(), self.frame_.series_of(data)
        self.frame_.check(series, "data")
        trained = self.trained_.within(series) if self.trained_ is not None else None
        lengths = [len(part) for part in series.segments]
        rows = pick_origins(lengths, self._history_rows(), horizon, origins, -1 if trained is None else trained[1])
        for row in rows:
            self.refuse_trained(series[row + 1 : row + 1 + horizon])
        forecasts = {}
        for name, runner in runners.items():
            cut = self._origins(series, rows, runner.warmup, horizon)
            forecasts[name] = self.frame_.scaler.unscale(forecast_origins(runner.network, cut))
        truth = np.stack([series.values[r + 1 : r + 1 + horizon] for r in rows])
        return Backtest(
            truth, forecasts, series.times[rows], self.frame_.dt, self.frame_.channels, self.frame_.scaler.std
        )

    def save(self, path: Any, *, overwrite: bool = False) -> None:
        """Write the fitted model as safetensors and strict JSON; `recurra.load` reads it back, and no code runs."""
        self._runner()
        changed = [name for name, value in self.get_params().items() if value != self.params_[name]]
        if changed:
            raise ConfigError(
                f"{', '.join(map(repr, changed))} changed after `fit`, so the file would not hold the model that was "
                "fitted: fit again, or set the old value"
            )
        save(self, Path(path), overwrite=overwrite)

    def _origins(self, series: Series, rows: list[int], warmup: int, horizon: int) -> Origins:
        """Origins cut from a series, each from the segment that it lies in; in the order of `rows`.

        Where a season is longer than what is known before the first of them, its warm-up is shorter.
        """
        first, cuts, order = 0, [], []
        starts = np.array([0, *series.breaks])
        warmup = min(warmup, *(row - starts[starts <= row][-1] for row in rows))
        for part in series.segments:
            inside = [at for at, row in enumerate(rows) if first <= row < first + len(part)]
            if inside:
                order += inside
                last_known = [rows[at] - first for at in inside]
                cuts.append(Origins.cut(*self.frame_.scaled(part), last_known, warmup, horizon))
            first += len(part)
        return Origins.join(cuts).take(np.argsort(order))

    def _runner(self) -> Runner:
        if not hasattr(self, "network_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call `fit(data)` first")
        return Runner(self.frame_, self.network_, self.acting._warmup_rows())

    def _runners(self) -> dict[str, Runner]:
        """The model first, then its baselines."""
        runners = {self.kind: self._runner()}
        for name, network in self.baselines_.items():
            runners[name] = Runner(self.frame_, network, warmup_rows(network))
        return runners

    @property
    def memory(self) -> int:
        """Rows that a forecast makes use of: the longest warm-up of the model and its baselines, and the last row."""
        return max(runner.warmup for runner in self._runners().values()) + 1

    def _history_rows(self) -> int:
        """Rows of its own that a separate series gives as history; a season that is longer starts from the mean."""
        runners = self._runners()
        return max(runner.warmup for name, runner in runners.items() if name in (self.kind, *SHORT)) + 1

    def _followed(self) -> Series | None:
        """The training rows that new data may follow in time."""
        return self.recent_ if self.continues_ else None

    def refuse_trained(self, series: Series, what: str = "what is to be scored") -> None:
        """Refuse rows that were trained on, where errors on new ones are wanted.

        Raises:
            ConfigError: with both ranges.
        """
        if self.trained_ is not None:
            self.trained_.refuse(series, what)

    def _known(self, history: Any) -> Series:
        warmup = self._runner().warmup
        if history is None:
            return self.recent_
        known = self.frame_.series_of(history)
        self.frame_.check(known, "history")
        known = known.segments[-1]
        if len(known) <= warmup:
            warn(
                f"the history has {len(known)} rows and the warm-up wants {warmup + 1}: the state still remembers that "
                "it started at zero, and the forecast is worse for it"
            )
        return known
