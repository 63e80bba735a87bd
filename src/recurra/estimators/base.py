"""`Estimator`: what most users touch. Scaler, network, warm-up rows and baselines behind `fit` and `forecast`."""

import dataclasses
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from recurra._types import Forecaster
from recurra.data import as_list, as_series, check_trainable
from recurra.errors import ConfigError, DataError, NotFittedError, RecurraWarning, unknown
from recurra.estimators.backtest import Backtest, pick_origins
from recurra.estimators.baseline_set import fit_baselines, warmup_rows
from recurra.estimators.frame import Frame
from recurra.estimators.model_file import save
from recurra.estimators.running import Runner, rows_before
from recurra.estimators.scoring import cut_history, score_runners
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Origins, forecast_origins
from recurra.series import Series
from recurra.storage import Layout

Progress = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(kw_only=True, eq=False)
class Estimator(ABC):
    """Interface of every learner: the constructor stores its arguments, `fit` returns self.

    Fitted attributes: `frame_` (names, step, scaling), `network_` (the forecaster, in scaled units), `recent_` (the
    last training rows, on which a forecast without `history` warms up), `continues_` (whether a series can follow
    them), `baselines_` (forecasters by name), `history_` (one entry a training epoch or candidate), `params_` (the
    parameters as they were).
    """

    kind: ClassVar[str]

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
        """Train on one series or on many of any lengths.

        Args:
            data: a `Series`, an array, a pandas object, or a list of them: the training part alone.
            validation: series for closed-loop validation. Default: the end of the training rows (or, of many series,
                the last ones), held out where a method validates.
            checkpoint: file to which an iterative training writes its state, and from which it resumes.
            progress: called after every stretch of training with epoch, epochs, loss and validation.

        Raises:
            ConfigError: parameters that cannot work, all problems at once.
            DataError: NaN, infinity, a constant channel, too few rows, series that do not fit together.
            DivergenceError: the training left the finite numbers; says where and why.
        """
        self.check()
        vars(self).pop("network_", None)  # what an earlier fit found decides nothing in this one
        parts = as_list(data)
        check_trainable(parts, rows=self._warmup_rows() + 3)
        frame = Frame.of(parts)
        held = None if validation is None else as_list(validation)
        for part in held or []:
            frame.check(part, "validation")
        training = TrainingSet.of(frame, parts, held, checkpoint, progress)
        network, history = self._learn(training)
        self.frame_, self.history_ = frame, history
        self.network_: Any = network
        self.baselines_ = fit_baselines(training, leave_out=self.kind)
        self.recent_ = parts[-1][-self._memory() :]
        # Of several series that end together, times do not tell which one goes on.
        self.continues_ = len(parts) == 1
        self.params_ = self.get_params()
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every constructor argument by name."""
        del deep  # no parameter is itself an estimator
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

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
            history: what is known, at least one row; its last `warmup` rows warm the state up. Default: the end of
                the training rows.
            inputs: drive of the forecast rows where the model has one; row k at the time of forecast row k.
        """
        return self._runner().forecast(self._known(history), n, inputs)

    def baseline_forecasts(self, n: int, history: Any = None, inputs: Any = None) -> dict[str, Series]:
        """What persistence, climatology and the linear autoregression forecast from the same history, by name."""
        known = self._known(history)
        return {
            name: runner.forecast(known, n, inputs) for name, runner in self._runners().items() if name != self.kind
        }

    def predict(self, data: Any, *, history: Any = None) -> Series:
        """One step ahead from the true rows (teacher-forced): row k is the forecast of row k from the rows before it.

        Args:
            data: the true rows. Where they follow the one training series (or `history`) every row is forecast;
                otherwise the first row is only an input, and the result has one row less.
            history: rows just before `data`.
        """
        series = as_series(data)
        runner = self._runner()
        runner.frame.check(series, "data")
        return runner.one_step(series, rows_before(data, history, self._followed(), self.frame_))

    def score(self, data: Any, *, history: Any = None, threshold: float = 0.4) -> dict[str, Any]:
        """Closed-loop and one-step scores on rows that were not trained on, each beside the baselines.

        Args:
            data: a series or a list. One that follows the one training series (or `history`) is forecast whole; any
                other gives its first rows as history, as many as the warm-up needs, and is scored on the rest.
            history: rows just before `data`, for one series.
            threshold: of the valid prediction time.

        Returns:
            {"closed_loop": {...}, "one_step": {...}}: rmse, nrmse, mae, smape, r2, rows, by_channel; the closed loop
            also has valid_time (the median over series; valid_lyapunov_times where the exponent is known), valid_to_end
            (how many series the forecast never left: there valid_time is only a lower bound); and "baselines" with the
            same for each baseline.
        """
        runners, parts = self._runners(), as_list(data)
        if history is not None and len(parts) > 1:
            raise DataError("`history` goes before one series; a list of series brings its own first rows")
        for part in parts:
            self.frame_.check(part, "data")
            if (row := self._trained_until(part)) >= 0:
                self._warn_of_training_rows(row)
        given = data if isinstance(data, list | tuple) and len(parts) == len(data) > 1 else [data]
        before = [rows_before(each, history, self._followed(), self.frame_) for each in given]
        cuts = [cut_history(part, rows, self._memory()) for part, rows in zip(parts, before, strict=True)]
        return score_runners(runners, cuts, threshold)

    def backtest(self, data: Any, horizon: int, origins: int | Sequence[int] = 10) -> Backtest:
        """Closed-loop forecasts from many origins in one series, the network fitted once (rolling origin).

        Args:
            data: the series; every origin uses its rows up to the origin and is scored on the `horizon` rows after it.
            horizon: steps of each forecast.
            origins: how many, evenly spread over the rows that were not trained on; or the index of the last known row
                of each.
        """
        runners, series = self._runners(), as_series(data)
        self.frame_.check(series, "data")
        trained = self._trained_until(series)
        rows = pick_origins(len(series), self._memory(), horizon, origins, trained)
        if rows[0] < trained:
            self._warn_of_training_rows(trained)
        values, drive = self.frame_.scaled(series)
        forecasts = {}
        for name, runner in runners.items():
            cut = Origins.cut(values, drive, rows, runner.warmup, horizon)
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

    def _runner(self) -> Runner:
        if not hasattr(self, "network_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call `fit(data)` first")
        return Runner(self.frame_, self.network_, self._warmup_rows())

    def _runners(self) -> dict[str, Runner]:
        """The model first, then its baselines."""
        runners = {self.kind: self._runner()}
        for name, network in self.baselines_.items():
            runners[name] = Runner(self.frame_, network, warmup_rows(network))
        return runners

    def _memory(self) -> int:
        """Rows that a forecast needs to know: the longest warm-up of the model and its baselines, and the last row."""
        return max(runner.warmup for runner in self._runners().values()) + 1

    def _followed(self) -> Series | None:
        """The training rows that new data may follow in time."""
        return self.recent_ if self.continues_ else None

    def _trained_until(self, series: Series) -> int:
        """The row of `series` that is the last one trained on, -1 where it is not among them."""
        values, time = self.recent_.values[-1], self.recent_.times[-1]
        if series.times.dtype != self.recent_.times.dtype:
            return -1
        rows = np.flatnonzero((series.values == values).all(axis=1) & (series.times == time))
        return int(rows[-1]) if rows.size else -1

    def _warn_of_training_rows(self, row: int) -> None:
        warnings.warn(
            f"rows up to {row} of the data were trained on: what is scored there says nothing about new data",
            RecurraWarning,
            stacklevel=3,
        )

    def _known(self, history: Any) -> Series:
        warmup = self._runner().warmup
        if history is None:
            return self.recent_
        known = as_series(history)
        self.frame_.check(known, "history")
        if len(known) <= warmup:
            warnings.warn(
                f"the history has {len(known)} rows and the warm-up wants {warmup + 1}: the state still remembers that "
                "it started at zero, and the forecast is worse for it",
                RecurraWarning,
                stacklevel=3,
            )
        return known
