"""The frequency response of networks that learned a driven oscillator, beside that of the equation.

python -m benchmarks.understanding.resonance               # every row that is not there yet, some minutes
python -m benchmarks.understanding.resonance --only rnn    # rows whose name begins so
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.understanding.results import put, read, record

import recurra as rc
from recurra.diagnostics import frequency_response
from recurra.systems import DampedOscillator, Sampled

SEEDS = 3
ETA, DT = 0.3, 0.1
FREQUENCIES = np.linspace(0.2, 2.5, 24)
LINES = 40  # cosines of a force

_CLOSED = {"bptt_length": 40, "stride": 10, "teacher_forced": 5, "increment": True, "precision": "float64"}
_ADAM = {"epochs": 300, "learning_rate": 5e-3, "final_learning_rate": 1e-6, "bptt_length": 50, "stride": 5}
LEARNERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "esn": (rc.ESN, {"units": 100, "input_scaling": 0.02}),
    "rnn": (rc.RNN, {**_CLOSED, "units": 8, "optimizer": "hessian-free", "epochs": 80}),
    "lstm": (rc.LSTM, {**_CLOSED, **_ADAM, "units": 16}),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.resonance", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    for learner in LEARNERS:
        for seed in range(SEEDS):
            name = f"{learner} seed={seed}"
            if name.startswith(args.only) and not args.tables:
                record("resonance", name, lambda pair=(learner, seed): answered(*pair), again=args.again)
    write_table()


def driven(seed: int, count: int = 16, rows: int = 400) -> list[rc.Series]:
    """x'' + 0.3 x' + x = F from random starts, under forces that are sums of cosines of random phases."""
    rng = np.random.default_rng(seed)
    t = DT / 2 * np.arange(2 * rows + 10)
    found = []
    for _ in range(count):
        w, phases = rng.uniform(0, 4, (LINES, 1)), rng.uniform(0, 2 * np.pi, (LINES, 1))
        force = Sampled(np.cos(w * t + phases).sum(axis=0) / np.sqrt(LINES), dt=DT / 2)
        start = rng.uniform(-1, 1, 2).tolist()
        found.append(DampedOscillator(damping=ETA, force=force).simulate(rows, dt=DT, initial=start))
    return found


def answered(learner: str, seed: int) -> dict[str, Any]:
    """Train, and linearise the closed loop about its rest without force."""
    kind, settings = LEARNERS[learner]
    model = kind(seed=seed, **settings).fit(driven(seed))
    found = frequency_response(model, FREQUENCIES, inputs={"F": 0.0})
    exact = 1 / (1 - FREQUENCIES**2 + 1j * ETA * FREQUENCIES)
    resonance = found.resonance("x")
    return {
        "settings": {"eta": ETA, "dt": DT, "series": 16, "rows": 400, "seed": seed, **settings},
        "frequency": resonance.frequency,
        "width": resonance.width,
        "errors": {"frequency": resonance.frequency - 1, "width": resonance.width / ETA - 1},
        "worst": float(np.abs(found.values[:, 0] - exact).max() / np.abs(exact).max()),
    }


def write_table() -> None:
    """Put the table between its marks in README.md: of each learner the worst of its seeds."""
    lines = ["| learned by | seeds | resonance | width | response |", "|---|---|---|---|---|"]
    for learner in LEARNERS:
        rows = [row for row in read("resonance") if row["name"].startswith(f"{learner} ")]
        if not rows:
            continue
        errors = [max(abs(row["errors"][name]) for row in rows) for name in ("frequency", "width")]
        shown = [f"{100 * each:.2g} %" for each in (*errors, max(row["worst"] for row in rows))]
        lines.append(f"| {learner} | {len(rows)} | {' | '.join(shown)} |")
    put("resonance", lines)


if __name__ == "__main__":
    main()
