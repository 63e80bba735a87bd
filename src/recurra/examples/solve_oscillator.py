"""A recurrent network that solves an oscillator from its equation and its initial condition alone, without data."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.models import Stack, parameter_count
from recurra.report import Section, Table, error_growth_figure, forecast_figure, phase_portrait
from recurra.series import Series
from recurra.systems import DampedOscillator
from recurra.training import LearnedStart
from recurra.training.least_squares import least_squares

SPAN, DT, UNITS, EVALUATIONS = 20.0, 0.2, 12, 200
START = np.array([1.0, 0.0])
SYSTEMS = {
    "driven": DampedOscillator(damping=0.4, force="cosine", amplitude=1.0, frequency=0.5),
    "free": DampedOscillator(damping=0.4, force="none"),
}
TITLES = {
    "driven": "x'' + 0.4 x' + x = cos(0.5 t), x(0) = 1, v(0) = 0",
    "free": "Without a force: x'' + 0.4 x' + x = 0",
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    units: int = UNITS,
    dt: float = DT,
    evaluations: int = EVALUATIONS,
) -> Outcome:
    """Train networks on the residual of the equation, and compare them with the exact motion.

    Args:
        seeds: initial weights for each of the two motions.
        seed: the first of them.
        progress: called after every network.
        parts: where finished networks are kept.
        units: tanh units of the network.
        dt: distance of the points at which it is looked at.
        evaluations: most evaluations of the residual.
    """
    found: list[dict[str, Any]] = [{"seed": seed + k} for k in range(seeds)]
    sections = []
    for s, name in enumerate(SYSTEMS):
        for k, entry in enumerate(found):
            part = parts.get(
                f"{name}-seed-{entry['seed']}",
                lambda name=name, entry=entry, k=k: _one(name, entry["seed"], units, dt, evaluations, drawn=k == 0),
            )
            entry[name] = part["score"]
            if k == 0:
                sections.append(Section(**part["section"]))
            tick(progress, s * seeds + k + 1, len(SYSTEMS) * seeds)
    results = {
        "seeds": found,
        "median": {n: {"max_error": median(e[n]["max_error"] for e in found)} for n in SYSTEMS},
        "baselines": {name: {m: _max_error(_stepped(name, m, dt), name) for m in ("euler", "rk4")} for name in SYSTEMS},
        "protocol": {"span": SPAN, "dt": dt, "units": units, "start": START.tolist(), "data": 0},
    }
    return Outcome(results, _table(results), sections, _exact("driven", dt).sha256)


def _one(name: str, seed: int, units: int, dt: float, evaluations: int, *, drawn: bool) -> dict[str, Any]:
    """Solve with one network; a figure where it is asked for."""
    model = LearnedStart.of(Stack.draw("elman", 1, 2, units=units, precision="float64", seed=seed))
    half = dt / 2 * np.arange(2 * round(SPAN / dt) + 1)
    force = _force(name)(half)
    system = SYSTEMS[name]
    data = (force, dt, START, system.damping, system.natural_frequency)
    fitted = least_squares(residuals, model, data, evaluations=evaluations)
    with jax.enable_x64(True):
        values = np.asarray(fitted.weights(force[::2, None]))
    solution = Series(values, dt=dt, channels=["x", "v"])
    score = {
        "max_error": _max_error(solution, name),
        "residual": float(np.sqrt(2 * fitted.cost / len(fitted.residuals))),
        "evaluations": fitted.evaluations,
        "weights": parameter_count(model),
    }
    if not drawn:
        return {"score": score}
    return {"score": score, "section": kept(_section(name, solution, score, dt))}


def residuals(model: Any, data: Any) -> jax.Array:
    r"""How far the outputs y = (x, v) of a network are from the equation, and from where it begins.

    .. math:: \frac{y_{k+1} - y_k}{\Delta t} - \frac{f_k + 4 f_m + f_{k+1}}{6}, \quad
        y_m = \frac{y_k + y_{k+1}}{2} + \frac{\Delta t}{8} (f_k - f_{k+1})

    Hermite and Simpson's implicit scheme, of order 4; the initial condition counts as ten of these.

    Args:
        model: its input is F at the points, its output y.
        data: F at the points and half-way between them, dt, y(0), eta, w0.
    """
    force, dt, start, eta, w0 = data
    ys = model(force[::2, None])

    def field(y: jax.Array, F: jax.Array) -> jax.Array:
        return jnp.stack([y[:, 1], F - eta * y[:, 1] - w0**2 * y[:, 0]], axis=1)

    before, after = field(ys[:-1], force[:-2:2]), field(ys[1:], force[2::2])
    middle = field((ys[:-1] + ys[1:]) / 2 + dt / 8 * (before - after), force[1::2])
    away = (ys[1:] - ys[:-1]) / dt - (before + 4 * middle + after) / 6
    return jnp.concatenate([away.ravel(), 10 * (ys[0] - start)])


def _force(name: str) -> Callable[[np.ndarray], np.ndarray]:
    system = SYSTEMS[name]
    F0 = 0.0 if system.force == "none" else system.amplitude
    return lambda t: F0 * np.cos(system.frequency * t)


def _exact(name: str, dt: float) -> Series:
    t = dt * np.arange(round(SPAN / dt) + 1)
    return Series(SYSTEMS[name].solution(t, START), dt=dt, channels=["x", "v"])


def _stepped(name: str, method: str, dt: float) -> Series:
    """The same motion by a method that steps forward."""
    return SYSTEMS[name].simulate(steps=round(SPAN / dt), dt=dt, method=method, initial=START)


def _max_error(found: Series, name: str) -> float:
    """Largest error of x."""
    return float(np.abs(found.values[:, 0] - _exact(name, found.dt).values[:, 0]).max())


def _table(results: dict[str, Any]) -> Table:
    rows = []
    for name in SYSTEMS:
        each = [entry[name]["max_error"] for entry in results["seeds"]]
        steps = results["baselines"][name]
        rows.append([name, median(each), spread(each), steps["rk4"], steps["euler"]])
    caption = (
        f"Largest error of x on [0, {SPAN:g}] against the exact motion; a network of {results['protocol']['units']} "
        f"units looked at every {results['protocol']['dt']:g}, median of {counted(len(results['seeds']), 'seed')}, and "
        "the methods of Runge and Kutta and of Euler with that step. No data of the motion were used"
    )
    return Table(["motion", "network", "all seeds", "RK4", "Euler"], rows, caption)


def _section(name: str, solution: Series, score: dict[str, Any], dt: float) -> Section:
    truth = _exact(name, dt)
    found = {"rnn": solution, "RK4": _stepped(name, "rk4", dt), "Euler": _stepped(name, "euler", dt)}
    text = (
        f"The network has {score['weights']} weights, the state that it begins with among them, and sees "
        f"{'F(t)' if name == 'driven' else 'nothing but zeros'}. {score['evaluations']} evaluations of the residual "
        f"bring it to {score['residual']:.2g} (root mean square), and the largest error of x to "
        f"{score['max_error']:.2g}.\n\nThat is no way to save time: each evaluation runs the network through all "
        f"{len(truth) - 1} steps and, with it, the derivative in each of its weights, while RK4 needs four evaluations "
        "of the equation a step, once. What the network has instead is a motion that is a recurrence of its own, found "
        "all at once: the same residual stands beside data where both are known in part."
    )
    figures = [
        forecast_figure(truth, found),
        error_growth_figure(truth, found, truth.values.std(axis=0)),
        phase_portrait(truth, {"rnn": solution}),
    ]
    return Section(TITLES[name], text, figures)
