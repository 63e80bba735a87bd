"""The wobble of the Earth: polar motion 10, 30 and 90 days ahead, rolling origin over five years.

The settings were chosen on origins in 2010 to 2021, before the test period, with the training rows ending in 2010.
"""

from typing import Any

import numpy as np

from recurra.data import datasets
from recurra.estimators import ESN, Linear
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, forecast_figure, horizon_figure, phase_portrait
from recurra.series import Series
from recurra.suites.earth_rotation import ESN as NETWORK
from recurra.suites.earth_rotation import HORIZONS, SINCE, UNTIL

EVERY, ORIGINS = 30, 61
AUTOREGRESSION = {"max_order": 60, "horizon": 90}


def run(*, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE) -> Outcome:
    """Fit on the rows before the test period, then forecast 90 days from 61 origins, one every 30 days.

    Args:
        seeds: reservoirs.
        seed: the first of them.
        progress: called after every fit.
        parts: where finished fits are kept.
    """
    series = datasets.load("earth-rotation", until=UNTIL)
    recent = series[int(np.searchsorted(series.times, SINCE)) :]
    first = UNTIL - HORIZONS[-1] - EVERY * (ORIGINS - 1)
    baselines = parts.get("baselines", lambda: _autoregressions(series, recent, first))
    tick(progress, 1, seeds + 1)
    found, tables, sections = [], [], []
    for k in range(seeds):
        part = parts.get(f"seed-{seed + k}", lambda k=k: _one(recent, first, seed + k, drawn=k == 0))
        table = part["table"]
        tables += [row for row in table if row["learner"] == "esn"]
        found.append({"seed": seed + k, **_by_horizon(table, "esn")})
        baselines["persistence"] = {"rows": [row for row in table if row["learner"] == "persistence"]}
        sections = sections or [Section(**part["section"])]
        tick(progress, k + 2, seeds + 1)
    results = {
        "seeds": found,
        "median": {h: {m: median(e[h][m] for e in found) for m in ("rmse", "mae")} for h in map(str, HORIZONS)},
        "baselines": {
            name: _by_horizon(entry["rows"], entry["rows"][0]["learner"]) for name, entry in baselines.items()
        },
        "orders": {name: entry["order"] for name, entry in baselines.items() if "order" in entry},
        "origins": ORIGINS,
        "first_origin_mjd": first,
        "cut_at_mjd": UNTIL,
        "sha256": series.sha256,
        "unit": "mas, polar motion x",
    }
    rows = [*tables, *_named(baselines)]
    curve = horizon_figure(
        [{"learner": r["learner"], "horizon": r["horizon"], "rmse": r["rmse"]["x"]} for r in rows],
        unit="mas",
        time_unit="d",
    )
    growth = Section(
        "Error by horizon", "Polar motion x, all origins; the band of the network spans its seeds.", [curve]
    )
    return Outcome(results, _table(results), [growth, *sections], series.sha256)


def _one(recent: Series, first: float, seed: int, *, drawn: bool) -> dict[str, Any]:
    """Fit one network and forecast from every origin; the last forecast is drawn where that is asked for."""
    train, origins = _protocol(recent, first)
    model = ESN(**NETWORK, seed=seed).fit(train)  # type: ignore[arg-type]
    found: dict[str, Any] = {"table": model.backtest(recent, HORIZONS[-1], origins).table(range(10, 91, 10))}
    if drawn:
        found["section"] = kept(_forecast_section(model, recent, origins[-1]))
    return found


def _protocol(series: Series, first: float) -> tuple[Series, list[int]]:
    """The rows up to the first origin, and the row of every origin."""
    start = int(np.searchsorted(series.times, first))
    return series[: start + 1], [start + EVERY * k for k in range(ORIGINS)]


def _autoregressions(series: Series, recent: Series, first: float) -> dict[str, dict[str, Any]]:
    """Vector autoregressions of up to 60 lags: on the rows that the network sees, and on all rows since 1962."""
    found = {}
    for name, rows in (("vector AR, same rows", recent), ("vector AR, since 1962", series)):
        train, origins = _protocol(rows, first)
        model = Linear(**AUTOREGRESSION).fit(train)  # type: ignore[arg-type]
        table = model.backtest(rows, HORIZONS[-1], origins).table(range(10, 91, 10))
        found[name] = {"rows": [r for r in table if r["learner"] == "linear"], "order": model.network_.order}  # type: ignore[attr-defined]
    return found


def _by_horizon(rows: list[dict[str, Any]], learner: str) -> dict[str, dict[str, float]]:
    chosen = [row for row in rows if row["learner"] == learner and round(row["horizon"]) in HORIZONS]
    return {str(round(row["horizon"])): {m: row[m]["x"] for m in ("rmse", "mae")} for row in chosen}


def _named(baselines: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "learner": name} for name, entry in baselines.items() for row in entry["rows"]]


def _table(results: dict[str, Any]) -> Table:
    lines = [(f"echo state network, median of {counted(len(results['seeds']), 'seed')}", results["median"])]
    lines += list(results["baselines"].items())
    rows = [[name, *(at[str(h)][m] for m in ("rmse", "mae") for h in HORIZONS)] for name, at in lines]
    columns = ["learner", *(f"{m} {h} d" for m in ("RMSE", "MAE") for h in HORIZONS)]
    caption = (
        f"Polar motion x, mas: {results['origins']} origins from MJD {results['first_origin_mjd']} on, one every "
        f"{EVERY} days; data cut at MJD {UNTIL}, SHA-256 {results['sha256'][:16]}"
    )
    return Table(columns, rows, caption, ("", *("lower",) * (2 * len(HORIZONS))))


def _forecast_section(model: ESN, series: Series, origin: int) -> Section:
    history, truth = series[: origin + 1], series[origin + 1 : origin + 1 + HORIZONS[-1]]
    baselines = model.baseline_forecasts(HORIZONS[-1], history)
    forecasts = {"esn": model.forecast(HORIZONS[-1], history), "persistence": baselines["persistence"]}
    figures = [forecast_figure(truth, forecasts, history), phase_portrait(truth, {"esn": forecasts["esn"]})]
    return Section("The last of the forecasts", "Ninety days in closed loop from the last origin.", figures)
