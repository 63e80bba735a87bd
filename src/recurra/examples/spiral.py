"""A stable spiral, x' = a x + b y, y' = c x + d y: learnt from nine trajectories, run from new starts.

With b = -1 and c = 1 the eigenvalues are a +- i for a = d: the spiral closes in for a = -0.2, and for a = +0.2, a sign
under which it is also called stable, it grows forward in time. A linear map is exact here. What a network has learned
is read off its own output: the linear map that fits it has a decay and a frequency.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra import metrics
from recurra.estimators import LSTM, RNN, Climatology, Estimator, Linear, Persistence
from recurra.examples.outcome import NOWHERE, Outcome, Progress, combined, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.examples.unseen import closed_loops, one_step_mse
from recurra.report import Section, Table, error_growth_figure, forecast_figure, phase_portrait, training_curve
from recurra.series import Series
from recurra.systems import System, custom

STABLE = {"a": -0.2, "b": -1.0, "c": 1.0, "d": -0.2}
GROWING = {**STABLE, "a": 0.2, "d": 0.2}
DT, ROWS, TRAINED, TESTED, KNOWN = 0.02, 800, 9, 10, 10
NETWORK: dict[str, Any] = {
    "units": 32,
    "learning_rate": 1e-2,
    "final_learning_rate": 1e-5,
    "epochs": 200,
    "bptt_length": 25,
    "stride": 10,
    "increment": True,
    "validation": 0.0,
    "warmup": KNOWN - 1,
}
COURSE = {"feed-forward": 0.006, "RNN": 0.0005}  # root mean square errors


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    epochs: int = NETWORK["epochs"],
) -> Outcome:
    """Train vanilla networks and LSTMs and run them alone from new starts.

    Args:
        seeds: networks of each kind; the trajectories are the same for all.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        epochs: of each network.
    """
    train, test = trajectories()
    baselines = parts.get("baselines", lambda: _baselines(train, test))
    found, sections = [], []
    for k in range(seeds):
        part = parts.get(f"seed-{seed + k}", lambda k=k: _one(train, test, seed + k, epochs, drawn=k == 0))
        found.append({"seed": seed + k, **part["score"]})
        sections = sections or [Section(**part["section"])]
        tick(progress, k + 1, seeds)
    results = {
        "seeds": found,
        "median": {name: _median([entry[name] for entry in found]) for name in ("lstm", "rnn")},
        "baselines": baselines,
        "eigenvalues": {"stable": _plain(matrix(STABLE)), "growing": _plain(matrix(GROWING))},
        "course": COURSE,
        "protocol": {"dt": DT, "rows": ROWS, "train": TRAINED, "test": TESTED, "known": KNOWN},
    }
    digest = combined(part.sha256 for part in (*train, *test))
    return Outcome(results, _table(results), [_signs(), *sections], digest)


def spiral(coefficients: dict[str, float]) -> System:
    """The linear system with these a, b, c, d."""

    def linear(t: jax.Array, state: jax.Array, p: dict[str, Any]) -> jax.Array:
        del t
        x, y = state
        return jnp.stack([p["a"] * x + p["b"] * y, p["c"] * x + p["d"] * y])

    return custom(linear, channels=["x", "y"], parameters=coefficients, dt=DT)


def matrix(coefficients: dict[str, float]) -> np.ndarray:
    """[[a, b], [c, d]]."""
    return np.array([[coefficients["a"], coefficients["b"]], [coefficients["c"], coefficients["d"]]])


def trajectories() -> tuple[list[Series], list[Series]]:
    """Nine trajectories to train on and ten to test on, from random starts in [-2, 2]^2."""
    starts = np.random.default_rng(0).uniform(-2, 2, (TRAINED + TESTED, 2))
    system = spiral(STABLE)
    made = [system.simulate(steps=ROWS - 1, dt=DT, initial=start) for start in starts]
    return made[:TRAINED], made[TRAINED:]


def rates(parts: Sequence[Series]) -> tuple[float, float]:
    """Decay rate and angular frequency of the linear map that fits the steps of these trajectories best.

    With the least-squares map A of y[t + 1] = A y[t] and an eigenvalue m of A, these are the real and the imaginary
    part of log(m) / dt.
    """
    before, after = (np.concatenate([part.values[cut] for part in parts]) for cut in (slice(-1), slice(1, None)))
    transposed = np.linalg.lstsq(before, after, rcond=None)[0]
    exponents = np.log(np.linalg.eigvals(transposed).astype(complex)) / parts[0].dt
    return float(exponents.real.max()), float(np.abs(exponents.imag).max())


def _one(train: list[Series], test: list[Series], seed: int, epochs: int, *, drawn: bool) -> dict[str, Any]:
    settings = {**NETWORK, "epochs": epochs, "seed": seed}
    models: dict[str, Estimator] = {"lstm": LSTM(**settings).fit(train), "rnn": RNN(**settings).fit(train)}
    found: dict[str, Any] = {"score": {name: _score(model, test) for name, model in models.items()}}
    if drawn:
        found["section"] = kept(_section(models, test[0]))
    return found


def _baselines(train: list[Series], test: list[Series]) -> dict[str, Any]:
    models = {"linear, 1 lag": Linear(order=1), "climatology": Climatology(), "persistence": Persistence()}
    return {name: _score(model.fit(train), test, moves=name.startswith("linear")) for name, model in models.items()}


def _score(model: Estimator, test: list[Series], *, moves: bool = True) -> dict[str, Any]:
    """Errors in the units of the data, one step ahead and in closed loop, and the rates of the model's own motion.

    Args:
        model: fitted.
        test: unseen trajectories.
        moves: whether its closed loop moves at all; what stands still has no rates.
    """
    forecasts = closed_loops(model, test, KNOWN)
    free = np.concatenate([forecast.values for forecast in forecasts])
    truth = np.concatenate([part.values[KNOWN:] for part in test])
    predicted = np.concatenate([model.predict(part[KNOWN:], history=part[:KNOWN]).values for part in test])
    decay, frequency = rates(forecasts) if moves else (None, None)
    return {
        "one_step": {"rmse": metrics.rmse(truth, predicted), "mse": one_step_mse(model, test, KNOWN)},
        "closed_loop": {"rmse": metrics.rmse(truth, free)},
        "decay": decay,
        "frequency": frequency,
    }


def _median(scores: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "one_step": {name: median(score["one_step"][name] for score in scores) for name in ("rmse", "mse")},
        "closed_loop": {"rmse": median(score["closed_loop"]["rmse"] for score in scores)},
        "decay": median(score["decay"] for score in scores),
        "frequency": median(score["frequency"] for score in scores),
    }


def _plain(table: np.ndarray) -> dict[str, float]:
    """The eigenvalue with the positive imaginary part."""
    found = max(np.linalg.eigvals(table), key=lambda value: value.imag)
    return {"real": float(found.real), "imaginary": float(found.imag)}


def _table(results: dict[str, Any]) -> Table:
    scores = {"LSTM": results["median"]["lstm"], "vanilla RNN": results["median"]["rnn"], **results["baselines"]}
    rows = [
        [name, score["one_step"]["rmse"], score["closed_loop"]["rmse"], score["decay"], score["frequency"]]
        for name, score in scores.items()
    ]
    rows.append(["the equations", None, None, STABLE["a"], STABLE["c"]])
    closed = [entry["lstm"]["closed_loop"]["rmse"] for entry in results["seeds"]]
    caption = (
        f"Stable spiral, {TRAINED} training trajectories of {ROWS} rows, dt {DT}; root mean square errors on {TESTED} "
        f"from new starts in [-2, 2]^2, known for {KNOWN} rows. Decay and frequency of the linear map that fits the "
        f"model's own output. Median of {counted(len(closed), 'seed')}; LSTM in closed loop {spread(closed)}"
    )
    columns = ["learner", "RMSE, one step", "RMSE, closed loop", "decay", "frequency"]
    return Table(columns, rows, caption, ("", "lower", "lower"))


def _signs() -> Section:
    rows = []
    for name, coefficients in (("a = d = -0.2", STABLE), ("a = d = +0.2", GROWING)):
        found = _plain(matrix(coefficients))
        growth = float(np.exp(found["real"] * DT * (ROWS - 1)))
        rows.append([name, found["real"], found["imaginary"], growth])
    caption = f"Eigenvalues of the system with b = -1 and c = 1, and the factor of the radius after {ROWS} rows"
    table = Table(["coefficients", "real part", "imaginary part, +-", "radius"], rows, caption)
    text = (
        "The eigenvalues decide: a spiral is stable where their real part is negative. The coefficients a = d = +0.2, "
        "which the system is also given with, make it grow forward in time; here it has a = d = -0.2."
    )
    return Section("Which sign is stable", text, tables=[table])


def _section(models: dict[str, Estimator], part: Series) -> Section:
    history, truth = part[:KNOWN], part[KNOWN:]
    forecasts = {name: model.forecast(len(truth), history) for name, model in models.items()}
    forecasts["linear"] = models["lstm"].baseline_forecasts(len(truth), history)["linear"]
    figures = [
        forecast_figure(truth, forecasts, history),
        error_growth_figure(truth, forecasts, models["lstm"].frame_.scaler.std),
        phase_portrait(truth, {name: forecasts[name] for name in models}),
        training_curve(models["lstm"].history_),
    ]
    text = (
        f"One of the unseen starts, first seed: {KNOWN} rows are known, then every model runs on its own output.\n\n"
        "The system is linear, so a linear map with one lag is exact to rounding and no network can beat it. A course "
        f"reports root mean square errors of {COURSE['feed-forward']} for a feed-forward network and {COURSE['RNN']} "
        "for a vanilla recurrent one on this system."
    )
    return Section("From an unseen start", text, figures)
