"""Ten sines of random amplitude and phase: a network that goes on from ten values, or from amplitude and phase alone.

The generated waves are judged by numbers: the error, and the amplitude, frequency and phase of the sine that fits them.
All sines have one frequency, so an autoregression of two lags is exact where there is no noise.
"""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from recurra.errors import RecurraWarning
from recurra.estimators import LSTM, RNN, Climatology, Estimator, Linear, Persistence
from recurra.estimators.sequences import Sequences
from recurra.examples.outcome import NOWHERE, Outcome, Progress, combined, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, error_growth_figure, forecast_figure
from recurra.series import Series

TRAINED, TESTED, STEPS, KNOWN = 10, 10, 200, 10
FREQUENCY = 2 * np.pi / 40  # radians a step
NOISE = {"clean": 0.0, "noisy": 0.1}  # standard deviation
NETWORK: dict[str, Any] = {
    "units": 16,
    "learning_rate": 3e-3,
    "final_learning_rate": 1e-5,
    "epochs": 300,
    "bptt_length": 60,
    "clip_norm": 0.3,
    "stride": 5,
    "teacher_forced": KNOWN,
    "validation": 0.0,
    "warmup": KNOWN - 1,
}
FROM_PHASOR: dict[str, Any] = {
    "task": "one-to-many",
    "cell": "elman",
    "activation": "identity",  # a tanh network has a rhythm with a size of its own, a linear one keeps any amplitude
    "units": 8,
    "learning_rate": 1e-2,
    "final_learning_rate": 1e-5,
    "epochs": 2500,
    "batch_size": TRAINED,
    "validation": 0.0,
}
GENERATOR = "linear RNN, one-to-many"
ERRORS = ("rmse", "amplitude", "frequency", "phase")


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    epochs: int = NETWORK["epochs"],
    long: int = FROM_PHASOR["epochs"],
) -> Outcome:
    """Train on ten sines, generate ten unseen ones.

    Args:
        seeds: networks of each kind; the sines are the same for all.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        epochs: of the networks that go on from ten values.
        long: epochs of those that start from amplitude and phase.
    """
    found, sections = [], []
    for k in range(seeds):
        part = parts.get(f"seed-{seed + k}", lambda k=k: _one(seed + k, epochs, long, drawn=k == 0))
        found.append({"seed": seed + k, **part["score"]})
        sections = sections or [Section(**part["section"])]
        tick(progress, k + 1, seeds)
    learners = {kind: list(found[0][kind]) for kind in NOISE}
    results = {
        "seeds": found,
        "median": {
            kind: {
                name: {error: median(entry[kind][name][error] for entry in found) for error in ERRORS} for name in names
            }
            for kind, names in learners.items()
        },
        "baselines": parts.get("baselines", _baselines),
        "protocol": {"train": TRAINED, "test": TESTED, "steps": STEPS, "known": KNOWN, "noise": NOISE},
    }
    digest = combined(s.sha256 for kind in NOISE for s in sines(kind)[0])
    return Outcome(results, _table(results), sections, digest)


def sines(kind: str) -> tuple[list[Series], np.ndarray, np.ndarray]:
    """Ten sines to train on, then ten to test on.

    Returns:
        The sines as they are seen, with noise; without it (sines, steps); amplitude and phase of each (sines, 2).
    """
    rng = np.random.default_rng(1)  # the settings were chosen on other sines, of seed 0
    count = TRAINED + TESTED
    drawn = np.stack([rng.uniform(0.5, 1.5, count), rng.uniform(-np.pi, np.pi, count)], axis=1)
    clean = drawn[:, :1] * np.sin(FREQUENCY * np.arange(STEPS) + drawn[:, 1:])
    seen = clean + NOISE[kind] * rng.standard_normal(clean.shape)
    return [Series(wave, dt=1.0, channels=["x"]) for wave in seen], clean, drawn


_GRID = FREQUENCY * np.linspace(0.5, 2, 301)


@cache
def _bases(first: int, count: int) -> np.ndarray:
    """Orthonormal columns (frequency, time, 3) that span sine, cosine and constant, for every frequency of the grid."""
    angles = _GRID[:, None] * (first + np.arange(count))
    return np.linalg.qr(np.stack([np.sin(angles), np.cos(angles), np.ones_like(angles)], axis=2))[0]


def fit_sine(wave: np.ndarray, first: int = 0) -> tuple[float, float, float]:
    """Amplitude, angular frequency and phase of the sine that fits best: A sin(w t + phi) + c by least squares.

    Args:
        wave: values (time,) at the steps first, first + 1, ...
        first: t of the first value.

    Returns:
        A >= 0, w in radians a step within a factor of two of the true one, phi at t = 0 in (-pi, pi].
    """
    t = first + np.arange(len(wave))

    def solved(w: float) -> tuple[float, np.ndarray]:
        table = np.stack([np.sin(w * t), np.cos(w * t), np.ones(len(t))], axis=1)
        weights = np.linalg.lstsq(table, wave, rcond=None)[0]
        return float(np.mean((table @ weights - wave) ** 2)), weights

    bases, step = _bases(first, len(wave)), _GRID[1] - _GRID[0]
    left = wave - (bases @ (wave @ bases)[..., None])[..., 0]
    best = _GRID[int(np.argmin(np.sum(left**2, axis=1)))]
    found = minimize_scalar(
        lambda w: solved(w)[0], bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-10}
    )
    w = float(found.x)  # pyright: ignore[reportAttributeAccessIssue]
    a, b, _ = solved(w)[1]
    return float(np.hypot(a, b)), w, float(np.arctan2(b, a))


def judged(waves: Sequence[np.ndarray], clean: np.ndarray, drawn: np.ndarray, first: int) -> dict[str, float]:
    """Errors of generated waves, root mean squares over the waves.

    Args:
        waves: generated values of the steps from `first` on.
        clean: the waves without noise (waves, steps).
        drawn: amplitude and phase of each (waves, 2).
        first: step of the first generated value.

    Returns:
        rmse; amplitude and frequency relative to the true ones; phase in radians at the middle of the wave, where it
        does not depend on the frequency.
    """
    fitted = np.array([fit_sine(wave, first) for wave in waves])
    middle = (first + STEPS - 1) / 2
    turned = (fitted[:, 1] - FREQUENCY) * middle + fitted[:, 2] - drawn[:, 1]
    errors = {
        "rmse": np.array(waves) - clean[:, first:],
        "amplitude": fitted[:, 0] / drawn[:, 0] - 1,
        "frequency": fitted[:, 1] / FREQUENCY - 1,
        "phase": np.angle(np.exp(1j * turned)),
    }
    return {name: float(np.sqrt(np.mean(error**2))) for name, error in errors.items()}


def phasors(drawn: np.ndarray) -> np.ndarray:
    """Amplitude and phase as A cos phi and A sin phi, which do not jump where the phase does."""
    return drawn[:, :1] * np.stack([np.cos(drawn[:, 1]), np.sin(drawn[:, 1])], axis=1)


def _one(seed: int, epochs: int, long: int, *, drawn: bool) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    section: dict[str, Any] = {}
    for kind in NOISE:
        seen, clean, given = sines(kind)
        settings = {**NETWORK, "epochs": epochs, "seed": seed}
        models = {"LSTM": LSTM(**settings).fit(seen[:TRAINED]), "vanilla RNN": RNN(**settings).fit(seen[:TRAINED])}
        scores[kind] = {name: _continued(model, seen, clean, given) for name, model in models.items()}
        if kind == "clean":
            scores[kind][GENERATOR] = _generated(seen, clean, given, {**FROM_PHASOR, "epochs": long, "seed": seed})
        if drawn and kind == "clean":
            section = kept(_section(models, seen[TRAINED]))
    return {"score": scores, **({"section": section} if drawn else {})}


def _generated(seen: list[Series], clean: np.ndarray, drawn: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    """All steps from amplitude and phase alone; there is nothing to forecast one step ahead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)  # early on a linear network may grow over 200 steps; it settles
        model = Sequences(**settings).fit(phasors(drawn[:TRAINED]), [wave.values for wave in seen[:TRAINED]])
    waves = [wave[:, 0] for wave in model.predict(phasors(drawn[TRAINED:]))]
    return {**judged(waves, clean[TRAINED:], drawn[TRAINED:], 0), "one_step": None}


def _baselines() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in NOISE:
        seen, clean, given = sines(kind)
        found[kind] = {}
        for name, order in (("linear, 2 lags", 2), ("linear, 8 lags", 8)):
            found[kind][name] = _continued(Linear(order=order).fit(seen[:TRAINED]), seen, clean, given)
        for model in (Persistence(), Climatology()):  # flat: there is no sine to fit
            flat = _continued(model.fit(seen[:TRAINED]), seen, clean, given)
            found[kind][model.kind] = {name: flat[name] for name in ("rmse", "one_step")}
    return found


def _continued(model: Estimator, seen: list[Series], clean: np.ndarray, drawn: np.ndarray) -> dict[str, Any]:
    """From the first ten values on, alone; and one step ahead of the rows as they are seen."""
    test = seen[TRAINED:]
    waves = [model.forecast(STEPS - KNOWN, part[:KNOWN]).values[:, 0] for part in test]
    steps = [model.predict(part[KNOWN:], history=part[:KNOWN]).values - part.values[KNOWN:] for part in test]
    one_step = float(np.sqrt(np.mean(np.square(steps))))
    return {**judged(waves, clean[TRAINED:], drawn[TRAINED:], KNOWN), "one_step": one_step}


def _table(results: dict[str, Any]) -> Table:
    rows: list[list[Any]] = []
    for kind in NOISE:
        one_steps = {name: _one_step(results, kind, name) for name in results["median"][kind]}
        for name, score in results["median"][kind].items():
            rows.append([f"{name}, {kind}", one_steps[name], *(score[error] for error in ERRORS)])
        for name, score in results["baselines"][kind].items():
            rows.append([f"{name}, {kind}", score["one_step"], *(score.get(error) for error in ERRORS)])
    each = [entry["clean"]["LSTM"]["rmse"] for entry in results["seeds"]]
    caption = (
        f"{TESTED} unseen sines from {KNOWN} values, {STEPS - KNOWN} steps in closed loop (from amplitude and phase "
        f"all {STEPS}): error against the wave without noise, relative errors of amplitude and frequency, phase in "
        f"radians. Noise of {NOISE['noisy']} where noisy. Median of {counted(len(each), 'seed')}; LSTM {spread(each)}"
    )
    columns = ["learner", "one step", "RMSE", "amplitude", "frequency", "phase"]
    return Table(columns, rows, caption)


def _one_step(results: dict[str, Any], kind: str, name: str) -> float | None:
    every = [entry[kind][name]["one_step"] for entry in results["seeds"]]
    return None if every[0] is None else median(every)


def _section(models: dict[str, Estimator], part: Series) -> Section:
    history, truth = part[:KNOWN], part[KNOWN:]
    named = {"lstm": models["LSTM"], "rnn": models["vanilla RNN"]}
    forecasts = {name: model.forecast(len(truth), history) for name, model in named.items()}
    forecasts["linear"] = models["LSTM"].baseline_forecasts(len(truth), history)["linear"]
    figures = [
        forecast_figure(truth, forecasts, history),
        error_growth_figure(truth, forecasts, models["LSTM"].frame_.scaler.std),
    ]
    text = (
        f"One unseen sine without noise, first seed: {KNOWN} values are known, a quarter of a period.\n\nWithout noise "
        "an autoregression of two lags is exact, because sines of one frequency obey x[t+1] = 2 cos(w) x[t] - x[t-1]; "
        "no network can beat it. With noise two lags are lost and eight are far from exact, and the LSTM is better.\n\n"
        "From amplitude and phase alone the recurrent network is linear: a tanh network has a rhythm with a size of "
        "its own and loses the amplitude, while a linear one can keep any."
    )
    return Section("Going on from ten values", text, figures)
