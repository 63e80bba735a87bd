"""Networks that learned a motion of each kind: the word for what they do on their own output.

python -m benchmarks.understanding.motions                 # every row that is not there yet, half an hour of one core
python -m benchmarks.understanding.motions --only esn      # rows whose name begins so
"""

import argparse
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from benchmarks.understanding.results import put, read, record

import recurra as rc
from recurra.diagnostics import behaviour
from recurra.systems import DampedOscillator, HenonMap, LogisticMap, Lorenz63, Rossler, VanDerPol, custom

GOLDEN = (np.sqrt(5) - 1) / 2


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.motions", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    for learner in LEARNERS:
        for motion in MOTIONS:
            name = f"{learner} {motion}"
            if name.startswith(args.only) and not args.tables:
                record("motions", name, lambda pair=(learner, motion): told(*pair), again=args.again)
    write_table()


def _hopf(y: Any, turn: float) -> Any:
    """An oscillator that goes round a circle of radius 1/2."""
    return (0.25 - y @ y) * y + turn * jnp.stack([-y[1], y[0]])


def _torus(t: Any, y: Any) -> Any:
    return jnp.concatenate([_hopf(y[:2], 1.0), _hopf(y[2:], GOLDEN)])


def _from_many(system: Any, rows: int, dt: float, reach: float, count: int = 8) -> list[rc.Series]:
    """Series from several starts, so that what is off the attractor is learned too."""
    starts = np.random.default_rng(0).uniform(-reach, reach, (count, len(system.channels)))
    return [system.simulate(rows, dt=dt, initial=start.tolist()) for start in starts]


def _unstable() -> list[rc.Series]:
    """A linear oscillator without end: x'' - 0.1 x' + x = 0 from a small start."""
    return _from_many(DampedOscillator(damping=-0.1, force="none"), 300, 0.1, 0.1)


# name: the word for what was learned, and its series
MOTIONS: dict[str, tuple[str, Callable[[], Any]]] = {
    "damped oscillator": (
        "point attractor",
        lambda: _from_many(DampedOscillator(damping=0.2, force="none"), 300, 0.1, 1),
    ),
    "van der Pol": ("limit cycle", lambda: _from_many(VanDerPol(), 400, 0.1, 2)),
    "torus": (
        "quasi-periodic",
        lambda: _from_many(custom(_torus, channels=["x", "v", "y", "w"], dt=0.2), 600, 0.2, 0.7),
    ),
    "two sines": ("quasi-periodic", lambda: _sines()),
    "Lorenz-63": ("chaotic", lambda: Lorenz63().simulate(5000, dt=0.02, seed=0)),
    "Rossler": ("chaotic", lambda: Rossler().simulate(5000, dt=0.1, seed=0)),
    "Henon": ("chaotic", lambda: HenonMap().simulate(1500, seed=0)),
    "logistic": ("chaotic", lambda: LogisticMap(r=3.9).simulate(1500, seed=0)),
    "unstable oscillator": ("divergent", _unstable),
}


def _sines() -> rc.Series:
    t = 0.2 * np.arange(4000)
    return rc.Series(np.sin(t) + np.sin(GOLDEN * t), dt=0.2)


_ECHO = {"units": 200, "spectral_radius": 0.1, "seed": 0}
_TRAINED = {"units": 32, "epochs": 100, "stride": 5, "learning_rate": 5e-3, "final_learning_rate": 1e-5, "seed": 0}
LEARNERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "esn": (rc.ESN, _ECHO),
    "gru": (rc.GRU, {**_TRAINED, "increment": True}),
    "lstm": (rc.LSTM, {**_TRAINED, "increment": True}),
    "rnn": (rc.RNN, {**_TRAINED, "increment": True}),
}

# Where these settings learn something else: long windows, after ten true rows on its own output, for the
# flows; Hessian-free steps, for the map.
_FREE = {**_TRAINED, "increment": True, "epochs": 300, "bptt_length": 60, "teacher_forced": 10, "precision": "float64"}
_EXACT = {"units": 16, "epochs": 100, "bptt_length": 10, "optimizer": "hessian-free", "precision": "float64", "seed": 0}
OTHERS: dict[tuple[str, str], dict[str, Any]] = {
    ("rnn", "Lorenz-63"): _FREE,
    ("rnn", "Rossler"): _FREE,
    ("rnn", "logistic"): _EXACT,
    ("lstm", "Rossler"): _FREE,
}


def told(learner: str, motion: str) -> dict[str, Any]:
    """Train, and ask."""
    true, series = MOTIONS[motion]
    kind, settings = LEARNERS[learner]
    settings = OTHERS.get((learner, motion), settings)
    model = kind(**settings).fit(series())
    found = behaviour(model)
    said = {"kind": found.kind, "numbers": found.numbers, "why": found.why}
    return {"settings": settings, "learner": learner, "motion": motion, "true": true, **said}


def write_table() -> None:
    """Put the table between its marks in README.md."""
    rows = {(row["learner"], row["motion"]): row["kind"] for row in read("motions")}
    lines = ["| learned | its motion | " + " | ".join(LEARNERS) + " |", "|---|---" + "|---" * len(LEARNERS) + "|"]
    for motion, (true, _) in MOTIONS.items():
        found = [rows.get((learner, motion), "") for learner in LEARNERS]
        lines.append(f"| {motion} | {true} | {' | '.join(found)} |")
    put("motions", lines)


if __name__ == "__main__":
    main()
