"""Parameters of an oscillator and of chaos from noisy trajectories, with their errors; and what Euler's step costs."""

from typing import Any

import numpy as np

from recurra import metrics
from recurra.estimators import Linear
from recurra.estimators.identify import Identified, identify
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, error_growth_figure, forecast_figure
from recurra.series import Series
from recurra.systems import DampedOscillator, Lorenz63

DT, KNOWN, AHEAD, NOISE = 0.05, 400, 400, 0.01
TRUE = {"damping": 0.4, "natural_frequency": 1.0}
GUESS = DampedOscillator(damping=0.48, natural_frequency=1.2)  # a fifth off
CHAOS = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
CHAOS_GUESS = Lorenz63(sigma=12.0, rho=22.4, beta=3.2)
WINDOW = 2.0  # time units, about two Lyapunov times
STEPS = (0.1, 0.05, 0.02)
WAYS = {
    "RK4 cell, free-running": {"method": "rk4"},
    "RK4 cell, one step": {"method": "rk4", "teacher_forced": True},
    "Euler cell, free-running": {"method": "euler"},
    "Euler cell, one step": {"method": "euler", "teacher_forced": True},
}


def run(
    *, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE, chaos: bool = True
) -> Outcome:
    """Identify both systems from fresh noise for every seed.

    Args:
        seeds: draws of the noise.
        seed: the first of them.
        progress: called after every draw.
        parts: where finished draws are kept.
        chaos: whether Lorenz's system is identified too.
    """
    done = []
    for k in range(seeds):
        done.append(parts.get(f"seed-{seed + k}", lambda k=k: _one(seed + k, chaos, drawn=k == 0)))
        tick(progress, k + 1, seeds)
    found = [part["entry"] for part in done]
    ways = [*WAYS, "central differences"]
    errors = {
        way: {name: median(abs(e["oscillator"][way][name] / at - 1) for e in found) for name, at in TRUE.items()}
        for way in ways
    }
    results: dict[str, Any] = {
        "seeds": found,
        "median": {
            "relative_error": errors,
            "forecast": _medians(found, "forecast"),
            "one_step": _medians(found, "one_step"),
        },
        "baselines": {name: score for name, score in _medians(found, "forecast").items() if name != "identified"},
        "covered": _covered(found, chaos),
        "euler_bias": parts.get("euler-bias", lambda: [_bias(dt) for dt in STEPS]),
        "protocol": {"dt": DT, "known_rows": KNOWN + 1, "test_rows": AHEAD, "noise": NOISE, "window": WINDOW},
    }
    return Outcome(results, _table(results), [Section(**done[0]["section"]), _bias_section(results)], _truth().sha256)


def _one(seed: int, chaos: bool, *, drawn: bool) -> dict[str, Any]:
    """Identify from one draw of the noise; its forecast is drawn where that is asked for."""
    known = _noisy(_truth()[: KNOWN + 1], seed)
    each = {way: identify(GUESS, known, list(TRUE), **options) for way, options in WAYS.items()}
    entry: dict[str, Any] = {"seed": seed, "oscillator": {way: _kept(found) for way, found in each.items()}}
    entry["oscillator"]["central differences"] = differences(known)
    forecasts = _forecasts(each["RK4 cell, free-running"], known)
    truth, scale = _truth()[KNOWN + 1 :], known.values.std(axis=0)
    entry["forecast"] = {name: metrics.nrmse(truth.values, f.values, scale) for name, f in forecasts.items()}
    entry["one_step"] = {way: _over(found.one_step, scale) for way, found in each.items()}
    entry["free_running"] = {way: _over(found.free_running, scale) for way, found in each.items()}
    if chaos:
        rows = _noisy(Lorenz63().simulate(steps=999, dt=0.01, seed=0), seed)
        entry["lorenz"] = _kept(identify(CHAOS_GUESS, rows, list(CHAOS), window=WINDOW))
    if not drawn:
        return {"entry": entry}
    text = (
        f"The {KNOWN + 1} rows in grey have {NOISE:.0%} of noise. The equation with the two numbers found in them, and "
        "with the state at their beginning that was found with them, runs on through the rows that follow."
    )
    figures = [forecast_figure(truth, forecasts, known), error_growth_figure(truth, forecasts, scale)]
    return {"entry": entry, "section": kept(Section("What was identified, run on", text, figures))}


def _truth() -> Series:
    """x'' + 0.4 x' + x = cos(0.5 t) from x = 1, v = 0: exact, with its force."""
    t = DT * np.arange(KNOWN + 1 + AHEAD)
    drive = Series(np.cos(0.5 * t), dt=DT, channels=["F"])
    return Series(DampedOscillator().solution(t, [1.0, 0.0]), dt=DT, channels=["x", "v"], inputs=drive)


def _noisy(series: Series, seed: int) -> Series:
    noise = np.random.default_rng(seed).standard_normal(series.values.shape)
    values = series.values + NOISE * series.values.std(axis=0) * noise
    return Series(values, dt=series.dt, times=series.times, channels=series.channels, inputs=series.inputs)


def differences(series: Series) -> dict[str, float]:
    """The two numbers by linear regression of v' = F - eta v - w0^2 x, with v' by central differences."""
    v = series.values[:, 1]
    assert series.inputs is not None
    left = series.inputs.values[1:-1, 0] - (v[2:] - v[:-2]) / (2 * series.dt)
    eta, square = np.linalg.lstsq(series.values[1:-1, ::-1], left, rcond=None)[0]
    return {"damping": float(eta), "natural_frequency": float(np.sqrt(max(square, 0.0)))}


def _forecasts(found: Identified, known: Series) -> dict[str, Series]:
    """What follows the known rows: the identified equation, and forecasts that know no equation."""
    system = DampedOscillator(**found.estimates)
    whole = system.simulate(steps=KNOWN + AHEAD, dt=DT, initial=found.starts[0])
    linear = Linear(max_order=10).fit(known)
    drive = _truth()[KNOWN + 1 :].inputs
    others = {"linear": linear.forecast(AHEAD, inputs=drive), **linear.baseline_forecasts(AHEAD, inputs=drive)}
    ahead = Series(whole.values[KNOWN + 1 :], dt=DT, times=_truth().times[KNOWN + 1 :], channels=known.channels)
    return {"identified": ahead, **{name: others[name] for name in ("linear", "persistence")}}


def _bias(dt: float) -> dict[str, float]:
    """Relative error of eta without noise, both channels in one unit, by cells that run freely."""
    t = dt * np.arange(round(20 / dt) + 1)
    exact = Series(DampedOscillator().solution(t, [1.0, 0.0]), dt=dt, channels=["x", "v"])
    bias = {"dt": dt}
    for method in ("euler", "heun", "rk4"):
        found = identify(GUESS, exact, list(TRUE), method=method, errors={"x": NOISE, "v": NOISE})
        bias[method] = found.estimates["damping"] / TRUE["damping"] - 1
    return bias


def _kept(found: Identified) -> dict[str, Any]:
    return {**found.estimates, "standard_errors": found.standard_errors, "intervals": found.intervals}


def _over(errors: dict[str, float], scale: np.ndarray) -> float:
    """Errors of the channels in units of their standard deviations, as one number."""
    return float(np.sqrt(np.mean((np.array(list(errors.values())) / scale) ** 2)))


def _medians(found: list[dict[str, Any]], what: str) -> dict[str, float]:
    return {name: median(e[what][name] for e in found) for name in found[0][what]}


def _covered(found: list[dict[str, Any]], chaos: bool) -> dict[str, int]:
    """How many of the 95 % intervals hold the truth."""
    each = {f"oscillator {n}": [e["oscillator"]["RK4 cell, free-running"]["intervals"][n] for e in found] for n in TRUE}
    if chaos:
        each |= {f"lorenz {name}": [e["lorenz"]["intervals"][name] for e in found] for name in CHAOS}
    true = {**{f"oscillator {k}": v for k, v in TRUE.items()}, **{f"lorenz {k}": v for k, v in CHAOS.items()}}
    return {name: sum(low <= true[name] <= high for low, high in intervals) for name, intervals in each.items()}


def _table(results: dict[str, Any]) -> Table:
    found, rows = results["seeds"], []
    for way in results["median"]["relative_error"]:
        for name, true in TRUE.items():
            each = [e["oscillator"][way] for e in found]
            rows.append(_row(f"oscillator, {way}", name, true, each))
    if "lorenz" in found[0]:
        rows += [_row("Lorenz, RK4 cell", name, true, [e["lorenz"] for e in found]) for name, true in CHAOS.items()]
    covered = ", ".join(f"{count} of {len(found)} for {name}" for name, count in results["covered"].items())
    caption = (
        f"Parameters from {KNOWN + 1} rows (Lorenz: 1,000, windows of {WINDOW:g} time units) with {NOISE:.0%} of "
        f"noise, median of {counted(len(found), 'draw')}; errors are relative. 95 % intervals that hold the "
        f"truth: {covered}"
    )
    return Table(["from", "parameter", "truth", "estimate", "error", "all draws", "standard error"], rows, caption)


def _row(what: str, name: str, true: float, each: list[dict[str, Any]]) -> list[Any]:
    errors = [abs(e[name] / true - 1) for e in each]
    errs = [e["standard_errors"][name] / true for e in each if "standard_errors" in e]
    value = median(e[name] for e in each)
    return [what, name.replace("_", " "), true, value, median(errors), spread(errors), median(errs) if errs else None]


def _bias_section(results: dict[str, Any]) -> Section:
    text = (
        "An Euler cell that runs freely fits the damping of its own recurrence, not that of the equation: without any "
        "noise it is off by about the step. Heun's and Runge and Kutta's cells are not.\n\nOne step ahead from "
        "measured rows (teacher-forced) the noise of those rows is in the regression as well: the estimates scatter "
        "more, and their standard errors, which take successive residuals as independent, are far too large. On rows "
        "as dense as these the regression on central differences is nearly as good as the fit that runs freely."
    )
    rows = [[b["dt"], b["euler"], b["heun"], b["rk4"]] for b in results["euler_bias"]]
    modes = [
        [way, *(median(e[mode][way] for e in results["seeds"]) for mode in ("one_step", "free_running"))]
        for way in WAYS
    ]
    forecast = [[name, score] for name, score in results["median"]["forecast"].items()]
    tables = [
        Table(["step", "Euler", "Heun", "RK4"], rows, "Relative error of the damping without noise"),
        Table(
            ["cell", "one step", "free-running"],
            modes,
            "Root mean square misfit, in standard deviations, of both modes",
        ),
        Table(["forecast", "NRMSE"], forecast, f"The {AHEAD} rows after the known ones in closed loop, without noise"),
    ]
    return Section("What the step costs, and both modes", text, tables=tables)
