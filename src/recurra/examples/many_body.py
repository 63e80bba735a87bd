"""Energies of a many-body system continued to more particles: an ordered series whose index is not time.

Twenty ground-state correlation energies of systems of 2, 4, ..., 40 particles; the first twelve train, the other eight
are extrapolated recursively, each from the energies before it, its own forecasts among them. The figures are those of
the data set "VaryDimension" in the repository of the course (M. Hjorth-Jensen, CompPhysics/MachineLearning), shipped
as `many_body_energies.csv`. The order of the autoregression and the settings of the small network are those of several
that, fitted to the first eight energies, extrapolate the next four best (`benchmarks/many-body`).
"""

import warnings
from importlib import resources
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra import metrics
from recurra.baselines import LinearAR, fit_linear
from recurra.data import Scaler, windows
from recurra.errors import RecurraWarning
from recurra.estimators import Climatology, Persistence
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, median, spread, tick
from recurra.examples.parts import Parts
from recurra.examples.small_network import forecasts, like
from recurra.forecasting.compiled import Compiled
from recurra.models import Model, Stack
from recurra.report import Section, Table, error_growth_figure, forecast_figure
from recurra.series import Series
from recurra.training import LastStep, Settings, train
from recurra.training.least_squares import least_squares

TRAINED, JUDGED = 12, 8  # rows that train; of them, those that train while the other four judge
# Lags of the autoregression: four and a constant are not determined by eight rows. The estimator `Linear` asks for
# twice as many rows as unknowns, which three lags do not have here: hence `choose_order`.
ORDERS = (1, 2, 3)
BARS = {"linear": 2e-6, "rnn": 2.5e-5}
RNN: dict[str, Any] = {"units": 2, "reach": 10.0, "penalty": 1e-10, "evaluations": 200}
COURSE: dict[str, Any] = {"units": 200, "window": 2, "epochs": 150}
NAMES = {
    "rnn": "RNN, 2 units, least squares",
    "course": "RNN, 200 units, window of 2 (course)",
    "direct": "200 units, particles to energy",
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    rnn: dict[str, Any] = RNN,
    course: dict[str, Any] = COURSE,
) -> Outcome:
    """Learn twelve energies and extrapolate the other eight.

    Args:
        seeds: networks of each kind; the data are the same for all.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        rnn: units of the small network, reach of its input, penalty and evaluations of the least squares.
        course: units, window and epochs of the network of the course.
    """
    series = energies()
    done = []
    for k in range(seeds):
        done.append(parts.get(f"seed-{seed + k}", lambda k=k: _one(series, seed + k, rnn, course)))
        tick(progress, k + 1, seeds)
    truth = series[TRAINED:]
    found = [{"seed": seed + k, **part["scores"]} for k, part in enumerate(done)]
    middle = like(truth, np.median([part["rnn"] for part in done], axis=0))
    plain = _plain(series)
    scores = {name: score(truth, each) for name, each in plain.items()}
    results = {
        "seeds": found,
        "median": {
            name: {kind: median(e[name][kind] for e in found) for kind in ("closed_loop", "one_step")} for name in NAMES
        },
        "worst": {name: max(e[name]["closed_loop"] for e in found) for name in NAMES},
        "below_bar": sum(e["rnn"]["closed_loop"] <= BARS["rnn"] for e in found),
        "median_forecast": {"closed_loop": metrics.rmse(truth, middle) ** 2},
        "baselines": scores,
        "linear": {"order": choose_order(series.values[:TRAINED]), "judged": judge_orders(series.values[:TRAINED])},
        "protocol": {"rows": len(series), "train": TRAINED, "judged": JUDGED, "bars": BARS, "rnn": dict(rnn)},
    }
    section = _section(series, {"rnn": middle, **{name: each["closed_loop"] for name, each in plain.items()}}, done[0])
    return Outcome(results, _table(results), [section], series.sha256)


def energies() -> Series:
    """The energies against the number of particles."""
    path = resources.files("recurra.examples") / "many_body_energies.csv"
    table = np.loadtxt(path.read_text(encoding="utf-8").splitlines(), delimiter=",", skiprows=1)
    known = {"time_unit": "particles", "index": "particles"}
    return Series(table[:, 1], times=table[:, 0], channels=["energy"], provenance=known)


def score(truth: Series, found: dict[str, Series]) -> dict[str, float]:
    """Mean squared errors."""
    return {kind: metrics.rmse(truth, each) ** 2 for kind, each in found.items()}


def judge_orders(values: np.ndarray) -> dict[int, float]:
    """For each order, the mean squared error of the recursion from the first eight rows over the rows after them."""
    found = {}
    for order in ORDERS:
        forecast = recursion(autoregression(values[:JUDGED], order), values[:JUDGED], len(values) - JUDGED)
        found[order] = float(np.mean((forecast - values[JUDGED:]) ** 2))
    return found


def choose_order(values: np.ndarray) -> int:
    """The order with the smallest error."""
    judged = judge_orders(values)
    return min(judged, key=judged.__getitem__)


def autoregression(values: np.ndarray, order: int) -> LinearAR:
    """y[t+1] = a + A_0 y[t] + ... of this order by least squares."""
    return next(iter(fit_linear([(values[:-1], values[1:])], [order]).values()))


def recursion(network: LinearAR, known: np.ndarray, steps: int) -> np.ndarray:
    """The rows after the known ones, on its own output: (steps, channels)."""
    state, _ = network.run(network.initial_state(1), known[None, :-1])
    return network.free_run(state, known[None, -1], np.zeros((1, steps, 0)))[1][0]


def fit_rnn(values: np.ndarray, seed: int, rnn: dict[str, Any]) -> tuple[Model, Scaler]:
    """The small network, fitted to all values by least squares.

    It learns increments. Its input is (y - mean) / (reach std): a reach of several standard deviations leaves room for
    what lies beyond the training rows before the tanh saturates.
    """
    scaler = Scaler(values.mean(axis=0), rnn["reach"] * values.std(axis=0))
    z = scaler.scale(values)
    steps = np.diff(z, axis=0).std(axis=0)
    start = Stack.draw("elman", 1, 1, units=rnn["units"], scale=steps, precision="float64", seed=seed)
    data = z, np.sqrt(rnn["penalty"])
    return least_squares(increment_errors, start, data, evaluations=rnn["evaluations"]).weights, scaler


def increment_errors(model: Any, data: Any) -> jax.Array:
    """Errors one step ahead in units of an increment, from the second on, and the weights times a small number."""
    z, strength = data
    errors = ((model(z[:-1]) - z[1:])[1:] / jax.lax.stop_gradient(model.scale)).ravel()
    cell, readout = model.cells[0], model.readout[0]
    return jnp.concatenate([errors, *(strength * weights.ravel() for weights in (cell.U, cell.W, readout.V))])


def _one(series: Series, seed: int, rnn: dict[str, Any], course: dict[str, Any]) -> dict[str, Any]:
    """The three networks of one seed."""
    model, scaler = fit_rnn(series.values[:TRAINED], seed, rnn)
    found = {
        "rnn": forecasts(model, scaler, series, TRAINED),
        "course": _as_in_course(series, seed, course),
        "direct": _direct(series, seed, course),
    }
    scores = {name: score(series[TRAINED:], each) for name, each in found.items()}
    return {"scores": scores, **{name: each["closed_loop"].values for name, each in found.items()}}


def _as_in_course(series: Series, seed: int, course: dict[str, Any]) -> dict[str, Series]:
    """A window of two energies in, the next one out, in the units of the data; Adam, windows shuffled."""
    width, x = course["window"], series.values
    inputs, targets = windows(x[:TRAINED], width)
    network = _trained(inputs, targets, seed, course)
    past = x[TRAINED - width : TRAINED]
    for _ in range(len(x) - TRAINED):
        past = np.concatenate([past, _outputs(network, past[None, -width:])])
    one_step = _outputs(network, windows(x[TRAINED - width :], width)[0])
    truth = series[TRAINED:]
    return {"closed_loop": like(truth, past[width:]), "one_step": like(truth, one_step)}


def _direct(series: Series, seed: int, course: dict[str, Any]) -> dict[str, Series]:
    """The number of particles in, the energy out: one step, so nothing recurs, and no energy is ever seen."""
    numbers = series.times[:, None, None]
    network = _trained(numbers[:TRAINED], series.values[:TRAINED], seed, course)
    found = like(series[TRAINED:], _outputs(network, numbers[TRAINED:]))
    return {"closed_loop": found, "one_step": found}


def _trained(inputs: np.ndarray, targets: np.ndarray, seed: int, course: dict[str, Any]) -> Compiled:
    model = Stack.draw("elman", 1, 1, units=course["units"], seed=seed)
    settings = Settings(epochs=course["epochs"], stretch=course["epochs"], seed=seed)
    data = inputs.astype(np.float32), targets.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)  # one step, nothing recurs: that is the contrast
        return Compiled(train(model, LastStep(), data, settings).best)


def _outputs(network: Compiled, inputs: np.ndarray) -> np.ndarray:
    """The output at the last step of every window, from the initial state."""
    return network.run(network.initial_state(len(inputs)), inputs)[1][:, -1]


def _plain(series: Series) -> dict[str, dict[str, Series]]:
    """What needs no network: the autoregression, polynomials, the last value, the mean."""
    known, truth = series[:TRAINED], series[TRAINED:]
    network = autoregression(known.values, choose_order(known.values))
    after = network.run(network.initial_state(1), series.values[None, :-1])[1][0, TRAINED - 1 :]
    found = {
        "linear": {
            "closed_loop": like(truth, recursion(network, known.values, len(truth))),
            "one_step": like(truth, after),
        },
        "parabola through the last three": _polynomial(series, 3),
        "straight line through the last two": _polynomial(series, 2),
    }
    for kind in (Persistence, Climatology):
        model = kind().fit(known)
        found[kind.kind] = {"closed_loop": model.forecast(len(truth)), "one_step": model.predict(truth)}
    return found


def _polynomial(series: Series, points: int) -> dict[str, Series]:
    """The polynomial through the last points: of the training rows and, one step ahead, of those before each row."""
    x, y, truth = series.times, series.values[:, 0], series[TRAINED:]

    def through(end: int, at: Any) -> Any:
        last = slice(end - points, end)
        return np.polynomial.Polynomial.fit(x[last], y[last], points - 1)(at)

    one_step = np.array([through(row, x[row]) for row in range(TRAINED, len(x))])
    return {"closed_loop": like(truth, through(TRAINED, truth.times)), "one_step": like(truth, one_step)}


def _table(results: dict[str, Any]) -> Table:
    count, order = len(results["seeds"]), results["linear"]["order"]
    rows: list[list[Any]] = [
        [
            title,
            results["median"][name]["closed_loop"],
            spread(e[name]["closed_loop"] for e in results["seeds"]),
            results["median"][name]["one_step"],
        ]
        for name, title in NAMES.items()
    ]
    rows.insert(1, ["their median forecast", results["median_forecast"]["closed_loop"], "", None])
    titles = {"linear": f"linear, {order} lags and a constant"}
    rows += [
        [titles.get(name, name), score["closed_loop"], "", score["one_step"]]
        for name, score in results["baselines"].items()
    ]
    caption = (
        f"Mean squared error of the {results['protocol']['rows'] - TRAINED} energies of 26 to 40 particles, learnt "
        f"from the {TRAINED} of 2 to 24: recursively, and one step ahead from the true ones; networks: median; "
        f"{results['below_bar']} of {counted(count, 'RNN')} of 2 units are at most {BARS['rnn']:g}"
    )
    return Table(["learner", "extrapolated", "all seeds", "one step"], rows, caption, ("", "lower", "", "lower"))


def _section(series: Series, middle: dict[str, Any], first: dict[str, Any]) -> Section:
    known, truth = series[:TRAINED], series[TRAINED:]
    shown = {
        "rnn": middle["rnn"],
        "linear": middle["linear"],
        "RNN, as in the course": like(truth, np.array(first["course"])),
        "particles to energy": like(truth, np.array(first["direct"])),
    }
    text = (
        "The index is the number of particles: nothing here is a time, and nothing needs one. Grey are the energies "
        "that were learnt; the rest is extrapolated, each from those before it.\n\n"
        "The curve is so smooth that a recursion of three lags and a constant, seven numbers less than a network of "
        "two units has, extrapolates it best; its order was chosen on the twelve energies alone. The parabola through "
        "the last three energies, which learns nothing, comes next. A recurrent network is near these once it learns "
        "increments, keeps its tanh units away from saturation and is fitted by least squares; from some starts it is "
        "not. A network of 200 units on windows of two energies, "
        "trained as in the course, stays more than ten times above it. A network from the number of particles to the "
        "energy has nothing to recur on, and does not extrapolate at all: its units are saturated at the numbers that "
        "it knows.\n\n"
        "The line of the small network is the median of those of all seeds, the others are of the first seed."
    )
    figures = [
        forecast_figure(truth, shown, known),
        error_growth_figure(truth, shown, known.values.std(axis=0)),
    ]
    return Section("Energies against the number of particles", text, figures)
