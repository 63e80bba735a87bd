"""Driven oscillators learnt by an LSTM: unseen starts and drive frequencies, five drive periods in closed loop."""

from typing import Any

import numpy as np

from recurra import metrics
from recurra.estimators import LSTM
from recurra.examples.outcome import NOWHERE, Outcome, Progress, combined, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import (
    Section,
    Table,
    error_growth_figure,
    forecast_figure,
    phase_portrait,
    training_curve,
)
from recurra.series import Series
from recurra.systems import DampedOscillator, Duffing

DT, ROWS = 0.2, 200
GRID = np.linspace(0.3, 1.5, 10)  # drive frequencies trained on, four starts each
UNSEEN = np.append((GRID[1:] + GRID[:-1]) / 2, 0.33)  # drive frequencies scored: between those, one start each
PERIODS, WARMUP = 5, 30
LONGEST = int(np.ceil(PERIODS * 2 * np.pi / UNSEEN.min() / DT))
SYSTEMS = {
    "oscillator": lambda w: DampedOscillator(damping=0.4, frequency=w),
    "duffing": lambda w: Duffing(damping=0.3, linear=1.0, cubic=1.0, amplitude=1.0, frequency=w),
}
TITLES = {
    "oscillator": "Damped, driven oscillator: x'' + 0.4 x' + x = cos(w t)",
    "duffing": "Duffing oscillator: x'' + 0.3 x' + x + x^3 = cos(w t)",
}
NETWORK = {
    "units": 32,
    "learning_rate": 1e-2,
    "final_learning_rate": 1e-4,
    "epochs": 200,
    "bptt_length": 50,
    "stride": 10,
    "increment": True,
    "validation": 0.0,
    "warmup": WARMUP,
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    systems: tuple[str, ...] = ("oscillator", "duffing"),
    parts: Parts = NOWHERE,
) -> Outcome:
    """Train LSTMs of 32 units on 40 trajectories and score them on 10 unseen ones.

    Args:
        seeds: networks for each system; the data are the same for all.
        seed: the first of them.
        progress: called after every network.
        systems: which of "oscillator" and "duffing".
        parts: where finished networks are kept.
    """
    found: list[dict[str, Any]] = [{"seed": seed + k} for k in range(seeds)]
    sections, baselines, hashes = [], {}, []
    for s, name in enumerate(systems):
        train, test = training_set(name), unseen_set(name)
        hashes += [part.sha256 for part in (*train, *test)]
        for k, entry in enumerate(found):
            part = parts.get(
                f"{name}-seed-{entry['seed']}",
                lambda name=name, train=train, test=test, entry=entry, k=k: _one(
                    name, train, test, entry["seed"], drawn=k == 0
                ),
            )
            entry[name] = part["score"]
            tick(progress, s * seeds + k + 1, len(systems) * seeds)
            if k == 0:
                baselines[name] = part["baselines"]
                sections.append(Section(**part["section"]))
    results = {
        "seeds": found,
        "baselines": baselines,
        "median": {name: {"nrmse": median(e[name]["nrmse"] for e in found)} for name in systems},
        "protocol": {
            "dt": DT,
            "train": len(GRID) * 4,
            "test": len(UNSEEN),
            "warmup": WARMUP,
            "periods": PERIODS,
        },
    }
    return Outcome(results, _table(results, systems), sections, combined(hashes))


def _one(name: str, train: list[Series], test: list[Series], seed: int, *, drawn: bool) -> dict[str, Any]:
    """Train and score one network; the baselines and a figure where they are asked for."""
    model = LSTM(**NETWORK, seed=seed).fit(train)  # type: ignore[arg-type]
    forecasts = _forecasts(model, test)
    found: dict[str, Any] = {"score": _score(model, forecasts["lstm"], test)}
    if drawn:
        found["baselines"] = {b: _pooled(forecasts[b], test, model) for b in model.baselines_}
        found["section"] = kept(_section(name, model, forecasts, test))
    return found


def training_set(name: str) -> list[Series]:
    """Four trajectories for each drive frequency of the grid."""
    return _trajectories(name, GRID.repeat(4), ROWS, seed=1)


def unseen_set(name: str) -> list[Series]:
    """One trajectory for each unseen drive frequency, long enough for five periods of the slowest."""
    return _trajectories(name, UNSEEN, WARMUP + 1 + LONGEST, seed=2)


def _trajectories(name: str, frequencies: np.ndarray, rows: int, *, seed: int) -> list[Series]:
    """One trajectory a frequency, x and v at the start uniform on (-1.5, 1.5)."""
    starts = np.random.default_rng(seed).uniform(-1.5, 1.5, (len(frequencies), 2))
    return [
        SYSTEMS[name](float(w)).simulate(steps=rows - 1, dt=DT, initial=start)
        for w, start in zip(frequencies, starts, strict=True)
    ]


def _forecasts(model: LSTM, test: list[Series]) -> dict[str, list[Series]]:
    """The model's and its baselines' forecasts of five drive periods of each trajectory, by learner."""
    found: dict[str, list[Series]] = {}
    for part in test:
        known, drive = part[: WARMUP + 1], part[WARMUP + 1 :].inputs
        both = {
            "lstm": model.forecast(LONGEST, known, drive),
            **model.baseline_forecasts(LONGEST, known, drive),
        }
        for name, forecast in both.items():
            found.setdefault(name, []).append(forecast)
    return found


def _scored(part: Series) -> int:
    """Rows of five drive periods; the frequency is that of the trajectory's own system."""
    return int(np.ceil(PERIODS * 2 * np.pi / part.provenance["parameters"]["frequency"] / DT))


def _pooled(forecasts: list[Series], test: list[Series], model: LSTM) -> float:
    """NRMSE over the scored rows of all trajectories."""
    rows = [_scored(part) for part in test]
    truth = np.concatenate([part.values[WARMUP + 1 :][:n] for part, n in zip(test, rows, strict=True)])
    found = np.concatenate([f.values[:n] for f, n in zip(forecasts, rows, strict=True)])
    return metrics.nrmse(truth, found, model.frame_.scaler.std)


def _score(model: LSTM, forecasts: list[Series], test: list[Series]) -> dict[str, Any]:
    each = [_pooled([f], [part], model) for f, part in zip(forecasts, test, strict=True)]
    return {"nrmse": _pooled(forecasts, test, model), "worst_trajectory": max(each)}


def _table(results: dict[str, Any], systems: tuple[str, ...]) -> Table:
    rows = []
    for name in systems:
        each = [entry[name]["nrmse"] for entry in results["seeds"]]
        rows.append(
            [
                name,
                median(each),
                spread(each),
                *(results["baselines"][name][b] for b in ("linear", "persistence")),
            ]
        )
    caption = (
        f"NRMSE of {PERIODS} drive periods in closed loop, {len(UNSEEN)} unseen starts and drive frequencies; LSTM of "
        f"32 units, median of {counted(len(results['seeds']), 'seed')}"
    )
    return Table(["system", "LSTM", "all seeds", "linear (ARX)", "persistence"], rows, caption)


def _section(name: str, model: LSTM, found: dict[str, list[Series]], test: list[Series]) -> Section:
    part = test[4]
    rows = _scored(part)
    forecasts = {learner: each[4][:rows] for learner, each in found.items() if learner != "climatology"}
    truth = part[WARMUP + 1 :][:rows]
    w = part.provenance["parameters"]["frequency"]
    text = (
        f"One of the {len(test)} unseen trajectories, drive frequency {w:.3f}. The network knows the {WARMUP + 1} rows "
        "in grey and the drive; from then on it runs on its own output."
    )
    figures = [
        forecast_figure(truth, forecasts, part[: WARMUP + 1]),
        error_growth_figure(truth, forecasts, model.frame_.scaler.std),
        phase_portrait(truth, {"lstm": forecasts["lstm"]}),
        training_curve(model.history_),
    ]
    return Section(TITLES[name], text, figures)
