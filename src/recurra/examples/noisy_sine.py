"""A sine under Gaussian noise, one step ahead: how near a network comes to the variance of the noise.

Nothing forecasts the noise, so 0.05^2 = 0.0025 is the floor of the mean squared error. A network that sees a window of
50 values, a quarter of a period, has to tell the phase from them and stays above it. One that keeps its state over all
rows has the whole past: two tanh units suffice to be an oscillator that follows the data. It is fitted by least squares
on long windows, each from the zero state and compared only once a hundred rows are known: so that it has to find the
phase in the data, and cannot learn it by heart. Settings were chosen on other noise (`benchmarks/noisy-sine`).
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from recurra import metrics
from recurra.data import Scaler
from recurra.estimators import GRU, LSTM, RNN, Climatology, Linear, Persistence
from recurra.estimators.recurrent import Recurrent
from recurra.examples.outcome import NOWHERE, Outcome, Progress, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.examples.small_network import drawn, forecasts
from recurra.models import Model
from recurra.report import Section, Table, forecast_figure
from recurra.report.histogram import error_histogram
from recurra.series import Series
from recurra.training.least_squares import least_squares

ROWS, TRAINED, LONGEST, NOISE = 1000, 750, 10 * np.pi, 0.05
FLOOR = NOISE**2
WHOLE: dict[str, Any] = {
    "units": 2,
    "windows": 5,
    "steps": 450,
    "unscored": 100,
    "starts": 6,
    "evaluations": 40,
    "kept": 2,
    "final_evaluations": 200,
}
WINDOW: dict[str, Any] = {
    "units": 16,
    "bptt_length": 50,
    "stride": 2,
    "epochs": 30,
    "learning_rate": 1e-2,
    "final_learning_rate": 1e-4,
    "warmup": 49,
    "validation": 0.0,
}
CELLS: dict[str, type[Recurrent]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
TITLES = {
    "whole": "RNN, 2 units",
    "rnn": "RNN, window",
    "lstm": "LSTM, window",
    "gru": "GRU, window",
    "linear": "linear",
    "persistence": "persistence",
    "climatology": "mean",
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    whole: dict[str, Any] = WHOLE,
    window: dict[str, Any] = WINDOW,
    windowed: int = 2,
) -> Outcome:
    """Train on the first 750 rows of a noisy sine and forecast the other 250 one step ahead and in closed loop.

    Args:
        seeds: how many; each has its own noise and weights.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        whole: of the network that sees all rows before: its units, windows, and starts; see `fit_whole`.
        window: parameters of the networks that see a window.
        windowed: seeds for which these are trained.
    """
    done = []
    for k in range(seeds):
        cells = CELLS if k < windowed else {}
        work = lambda k=k, cells=cells: _one(seed + k, whole, window, cells, shown=k == 0)  # noqa: E731
        done.append(parts.get(f"seed-{seed + k}", work))
        tick(progress, k + 1, seeds)
    found = [part["entry"] for part in done]
    results: dict[str, Any] = {
        "seeds": found,
        "floor": {"mse": FLOOR, "realised": float(np.mean([e["realised_floor"] for e in found]))},
        "mean": {name: _mean(found, name) for name in TITLES if name in found[0]["scores"]},
        "median": {"whole": median(e["scores"]["whole"]["one_step"]["mse"] for e in found)},
        "baselines": {name: _mean(found, name) for name in ("linear", "persistence", "climatology")},
        "protocol": {
            "rows": ROWS,
            "train": TRAINED,
            "noise": NOISE,
            "whole": dict(whole),
            "window": dict(window),
            "windowed": min(windowed, seeds),
        },
    }
    return Outcome(results, _table(results), [Section(**done[0]["section"]), _waves(results)], done[0]["data_hash"])


def noisy_sine(seed: int) -> Series:
    """sin t at 1,000 points of [0, 10 pi] and normal noise of standard deviation 0.05."""
    t = np.linspace(0, LONGEST, ROWS)
    noise = np.random.default_rng(seed).normal(0, NOISE, ROWS)
    return Series(np.sin(t) + noise, times=t, channels=["x"])


def _one(
    seed: int, whole: dict[str, Any], window: dict[str, Any], cells: dict[str, type[Recurrent]], *, shown: bool
) -> dict[str, Any]:
    """All learners on one draw of the noise."""
    series = noisy_sine(seed)
    train, test = series[:TRAINED], series[TRAINED:]
    scaler = Scaler.fit([train.values])
    found = {"whole": forecasts(fit_whole(scaler.scale(train.values), seed, whole), scaler, series, TRAINED)}
    for name, kind in cells.items():
        found[name] = _of(kind(**window, seed=seed).fit(train), test)
    found |= {kind.kind: _of(kind().fit(train), test) for kind in (Linear, Persistence, Climatology)}
    clean = np.sin(test.times)[:, None]
    entry = {
        "seed": seed,
        "realised_floor": float(np.mean((test.values - clean) ** 2)),
        "scores": {name: _score(test, clean, each) for name, each in found.items()},
    }
    part: dict[str, Any] = {"entry": entry, "data_hash": series.sha256}
    if shown:
        part["section"] = kept(_section(series, found, cells))
    return part


def _of(model: Any, test: Series) -> dict[str, Series]:
    return {"closed_loop": model.forecast(len(test)), "one_step": model.predict(test)}


def fit_whole(z: np.ndarray, seed: int, whole: dict[str, Any]) -> Model:
    """The network that sees all rows before, from the best of several starts.

    Args:
        z: scaled training rows (time, 1).
        seed: of the starts.
        whole: units; windows, their steps and how many of these are not compared; starts, the evaluations of each, how
            many are kept, and the evaluations after which the one with the smallest error on the same rows is taken.
    """
    first = np.linspace(0, len(z) - 1 - whole["steps"], whole["windows"]).astype(int)
    data = np.stack([z[at : at + whole["steps"] + 1] for at in first])
    errors = LateErrors(whole["unscored"])
    starts = [drawn(whole["units"], whole["starts"] * seed + k) for k in range(whole["starts"])]
    tried = [least_squares(errors, start, data, evaluations=whole["evaluations"]) for start in starts]
    best = sorted(tried, key=lambda fitted: fitted.cost)[: whole["kept"]]
    final = [least_squares(errors, each.weights, data, evaluations=whole["final_evaluations"]) for each in best]
    return min(final, key=lambda fitted: fitted.cost).weights


@dataclass(frozen=True)
class LateErrors:
    """Errors one step ahead on windows (windows, steps + 1, 1), each from the initial state, but the first steps.

    Args:
        unscored: how many steps are left out.
    """

    unscored: int

    def __call__(self, model: Any, data: Any) -> jax.Array:
        return (jax.vmap(model)(data[:, :-1]) - data[:, 1:])[:, self.unscored :].ravel()


def _score(test: Series, clean: np.ndarray, found: dict[str, Series]) -> dict[str, Any]:
    """As the course prints them; the error against the sine itself; the wave that the closed loop makes."""
    step, loop = found["one_step"].values, found["closed_loop"].values
    return {
        "one_step": {
            "mse": metrics.rmse(test.values, step) ** 2,
            "rmse": metrics.rmse(test.values, step),
            "mae": metrics.mae(test.values, step),
            "r2": metrics.r2(test.values, step),
            "above_signal": metrics.rmse(clean, step) ** 2,
        },
        "closed_loop": {
            "nrmse": metrics.rmse(clean, loop) / float(clean.std()),
            **_wave_errors(test.times, loop[:, 0]),
        },
    }


def _wave_errors(t: np.ndarray, x: np.ndarray) -> dict[str, float]:
    """Errors of frequency, amplitude and phase (in the middle of the rows) of the sine nearest to a forecast of sin t.

    For each of a grid of frequencies, a sin + b cos + c by linear least squares; the frequency is that of the smallest
    sum of squares, refined by the parabola through its neighbours.
    """
    middle = t.mean()
    frequencies = np.linspace(0.5, 1.5, 1001)

    def fit(w: float) -> tuple[np.ndarray, float]:
        table = np.column_stack([np.sin(w * (t - middle)), np.cos(w * (t - middle)), np.ones_like(t)])
        weights = np.linalg.lstsq(table, x, rcond=None)[0]
        return weights, float(np.sum((table @ weights - x) ** 2))

    sums = np.array([fit(w)[1] for w in frequencies])
    at = int(np.clip(sums.argmin(), 1, len(sums) - 2))
    left, here, right = sums[at - 1 : at + 2]
    bend = left - 2 * here + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    w = float(frequencies[at] + np.clip(shift, -1, 1) * (frequencies[1] - frequencies[0]))
    (a, b, _), _ = fit(w)
    phase = np.angle(np.exp(1j * (np.arctan2(b, a) - middle)))
    return {"frequency": w - 1, "amplitude": float(np.hypot(a, b)) - 1, "phase": float(phase)}


def _mean(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Over the seeds that have this learner: means one step ahead; medians, without the sign, of the closed loop."""
    each = [entry["scores"][name] for entry in found if name in entry["scores"]]
    return {
        "seeds": len(each),
        "one_step": {key: float(np.mean([e["one_step"][key] for e in each])) for key in each[0]["one_step"]},
        "closed_loop": {k: median(abs(e["closed_loop"][k]) for e in each) for k in each[0]["closed_loop"]},
        "worst_closed_loop": max(e["closed_loop"]["nrmse"] for e in each),
        "spread": spread(e["one_step"]["mse"] for e in each),
    }


def _table(results: dict[str, Any]) -> Table:
    rows: list[list[Any]] = []
    for name, mean in results["mean"].items():
        one, loop = mean["one_step"], mean["closed_loop"]
        ratio = one["mse"] / FLOOR
        rows.append([TITLES[name], mean["seeds"], one["mse"], ratio, one["rmse"], one["mae"], one["r2"], loop["nrmse"]])
    r2 = 1 - FLOOR / (FLOOR + float(np.sin(noisy_sine(0).times[TRAINED:]).var()))
    rows.append(["the sine, known", "", FLOOR, 1.0, NOISE, float(NOISE * np.sqrt(2 / np.pi)), r2, 0.0])
    caption = (
        f"One step ahead of the last {ROWS - TRAINED} of {ROWS} rows: means over as many draws of the noise as the "
        f"second column says (the noise of these rows has mean square {results['floor']['realised']:.5f}); NRMSE of "
        f"{ROWS - TRAINED} rows in closed loop against the sine, median"
    )
    columns = ["learner", "seeds", "MSE", "/ floor", "RMSE", "MAE", "R2", "closed loop"]
    return Table(columns, rows, caption, ("", "", "lower", "lower", "lower", "lower", "higher", "lower"))


def _waves(results: dict[str, Any]) -> Section:
    """What the closed loops make of the sine."""
    errors = ("frequency", "amplitude", "phase")
    rows = [
        [TITLES[name], mean["seeds"], *(mean["closed_loop"][error] for error in errors), mean["worst_closed_loop"]]
        for name, mean in results["mean"].items()
        if name in ("whole", "linear", *CELLS)
    ]
    caption = (
        f"The sine nearest to {ROWS - TRAINED} rows in closed loop against sin t: errors of frequency, amplitude and "
        "phase (radians, in the middle of the rows), without their sign, medians; and the largest NRMSE"
    )
    columns = ["learner", "seeds", "frequency", "amplitude", "phase", "worst NRMSE"]
    text = (
        "Frequencies are looked for from 0.5 to 1.5; an error of 0.5 is a closed loop that does not oscillate. One "
        "step ahead a network may be near the floor and still not have a cycle of its own: the worst NRMSE says so."
    )
    return Section("The wave that is made", text, (), [Table(columns, rows, caption)])


def _section(series: Series, found: dict[str, dict[str, Series]], cells: dict[str, type[Recurrent]]) -> Section:
    train, test = series[:TRAINED], series[TRAINED:]
    titles = {"whole": "RNN, all rows before", "linear": "linear", **{name: name for name in cells}}
    step = {title: found[name]["one_step"] for name, title in titles.items()}
    loop = {title: found[name]["closed_loop"] for name, title in titles.items()}
    text = (
        "The first draw of the noise: each row forecast from the true ones before it, and below 250 rows on the "
        "network's own output. The data are the grey and the black line; no forecast can follow their scatter.\n\n"
        "A window of 50 rows is a quarter of a period. What it says about the phase is blurred by the noise, and "
        "networks of many weights fit some of that noise besides: RNN, LSTM and GRU on windows all stay well above "
        "the floor, and in closed loop they drift. Two units that keep their state over all rows act as an oscillator "
        "that corrects itself a little at each of them, which is what the optimal linear filter does. A linear "
        "autoregression of many lags (their number chosen by validation) is better than these are.\n\n"
        "The networks on windows have 16 units and train for 30 epochs, to be quick. With two layers of 64 units and a "
        "hundred epochs, as in the course, what is above the noise is 1.05 (RNN), 0.23 (LSTM) and 0.31 (GRU) of the "
        "floor on one draw of other noise (`benchmarks/noisy-sine`), which took minutes each.\n\n"
        "The histogram is of the errors one step ahead, with the normal distribution of the noise."
    )
    truth = np.asarray(test.values)
    errors = {title: (each.values - truth).ravel() for title, each in step.items()}
    figures = [
        forecast_figure(test, step, train),
        forecast_figure(test, loop, train),
        error_histogram(errors, NOISE),
    ]
    return Section("The noisy sine, one step ahead and alone", text, figures)
