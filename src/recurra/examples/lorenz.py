"""Lorenz-63 learnt by an echo state network: how many Lyapunov times does a forecast stay valid?"""

from typing import Any

import numpy as np

from recurra.estimators import ESN
from recurra.estimators.backtest import Backtest
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, error_growth_figure, forecast_figure, phase_portrait
from recurra.series import Series
from recurra.systems import Lorenz63, agreement_time

DT, TRAINED, HORIZON, SPACING, THRESHOLD = 0.02, 5000, 2000, 900, 0.4
NETWORK = {
    "spectral_radius": 0.6,
    "input_scaling": 0.1,
    "bias_scaling": 1.0,
    "washout": 200,
    "validation": 0.3,
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    sizes: tuple[int, ...] = (500, 1000),
    starts: int = 10,
    parts: Parts = NOWHERE,
) -> Outcome:
    """Fit echo state networks to 5,000 steps and forecast from later points of the same trajectory.

    Args:
        seeds: reservoirs of each size; the trajectory is the same for all.
        seed: the first of them.
        progress: called after every reservoir.
        sizes: reservoir units.
        starts: forecasts of each network.
        parts: where finished networks are kept.
    """
    system = Lorenz63()
    rate = system.lyapunov_exponent or 0.0
    series = system.simulate(steps=TRAINED + starts * SPACING + HORIZON, dt=DT, seed=0)
    train = series[: TRAINED + 1]
    origins = [TRAINED + SPACING * (k + 1) for k in range(starts)]
    truth = [agreement_time(series[r : r + HORIZON + 1], THRESHOLD, train.values.std(axis=0)) * rate for r in origins]
    found: list[dict[str, Any]] = [{"seed": seed + k} for k in range(seeds)]
    baselines: dict[str, Any] = {}
    sections = []
    for n, units in enumerate(sizes):
        for k, entry in enumerate(found):
            part = parts.get(
                f"{units}-units-seed-{entry['seed']}",
                lambda units=units, entry=entry, drawn=not sections: _one(
                    units, entry["seed"], series, origins, rate, drawn=drawn
                ),
            )
            entry[str(units)], baselines = part["score"], part["baselines"]
            sections = sections or [Section(**part["section"])]
            tick(progress, n * seeds + k + 1, len(sizes) * seeds)
    results = {
        "seeds": found,
        "baselines": baselines,
        "median": {str(u): {"valid_time": median(t for e in found for t in e[str(u)]["starts"])} for u in sizes},
        "threshold": THRESHOLD,
        "dt": DT,
        "origins": origins,
        "lyapunov_exponent": rate,
        "internal_step": "adaptive, local error held at 1e-12",
        "truth_agreement": {"median": median(truth), "least": min(truth)},
        "unit": "Lyapunov times",
    }
    return Outcome(results, _table(results, sizes), sections, series.sha256)


def _one(units: int, seed: int, series: Series, origins: list[int], rate: float, *, drawn: bool) -> dict[str, Any]:
    """Fit and score one network beside the baselines; one of its forecasts is drawn where that is asked for."""
    model = ESN(units=units, seed=seed, **NETWORK).fit(series[: TRAINED + 1])  # type: ignore[arg-type]
    test = model.backtest(series, HORIZON, origins)
    times = {name: t * rate for name, t in test.valid_times(THRESHOLD).items()}
    found: dict[str, Any] = {
        "score": {"valid_time": median(times["esn"]), "starts": times.pop("esn").tolist()},
        "baselines": {name: median(t) for name, t in times.items()},
    }
    if drawn:
        found["section"] = kept(_section(model, test, series, rate))
    return found


def _table(results: dict[str, Any], sizes: tuple[int, ...]) -> Table:
    rows: list[list[Any]] = []
    for units in sizes:
        every = [t for entry in results["seeds"] for t in entry[str(units)]["starts"]]
        rows.append(
            [
                f"echo state network, {units} units",
                median(every),
                float(np.quantile(every, 0.1)),
                spread(every),
            ]
        )
    rows += [[name, value, None, ""] for name, value in results["baselines"].items()]
    agreement = results["truth_agreement"]
    starts = len(results["seeds"][0][str(sizes[0])]["starts"])
    rows.append(["the truth, two solvers", agreement["median"], None, f"least {agreement['least']:.3g}"])
    caption = (
        f"Valid prediction time in Lyapunov times (error below {THRESHOLD} standard deviations), median over "
        f"{counted(len(results['seeds']), 'seed')} and {counted(starts, 'start')}; dt {DT}, truth "
        "integrated with its local error held at 1e-12"
    )
    return Table(["model", "valid time", "tenth percentile", "range"], rows, caption)


def _section(model: ESN, test: Backtest, series: Series, rate: float) -> Section:
    origin = int(np.searchsorted(series.times, test.origins[0]))
    truth = series[origin + 1 : origin + 1 + HORIZON]
    history = series[: origin + 1]
    forecasts = {
        "esn": model.forecast(HORIZON, history),
        "linear": model.baseline_forecasts(HORIZON, history)["linear"],
    }
    shown = int(np.ceil(40 / rate / DT))
    cut = {name: forecast[:shown] for name, forecast in forecasts.items()}
    figures = [
        forecast_figure(truth[:shown], cut, history),
        error_growth_figure(truth, forecasts, model.frame_.scaler.std, THRESHOLD, rate),
        phase_portrait(truth, {"esn": forecasts["esn"]}),
    ]
    text = f"One forecast of a network of {model.units} units: it knows the true rows up to the start, then runs alone."
    return Section("A forecast of chaos", text, figures)
