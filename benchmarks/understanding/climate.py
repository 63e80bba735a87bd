"""Climate of networks that learned Lorenz-63, in the measures of published reconstructions.

python -m benchmarks.understanding.climate                 # every row that is not there yet, a minute or two
python -m benchmarks.understanding.climate --only esn      # rows whose name begins so
"""

import argparse
from typing import Any

import numpy as np
from benchmarks.understanding.results import put, read, record

import recurra as rc
from recurra.diagnostics.attractor import power_spectrum_distance, state_space_divergence
from recurra.systems import Lorenz63

SEEDS = 5
DT, SETTLING = 0.01, 1000
ROWS = 10_000  # of the free run, and of the truth
LEARNED = {"esn": (rc.ESN, {"units": 500}), "ng-rc": (rc.NGRC, {})}
CONTEXTS = (2000, 10_000)
PUBLISHED = "DynaMix, not trained on it (C. J. Hemmer, D. Durstewitz, NeurIPS 2025, the notebook of its code)"
MEASURES = ("range", "attractor", "spectrum")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.climate", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    for learner in [*LEARNED, "truth"]:
        for context in CONTEXTS if learner in LEARNED else (0,):
            for seed in range(SEEDS):
                name = f"{learner} rows={context} seed={seed}"
                if name.startswith(args.only) and not args.tables:
                    record("climate", name, lambda row=(learner, context, seed): measured(*row), again=args.again)
    write_table()


def measured(learner: str, context: int, seed: int) -> dict[str, Any]:
    """The distances of a free run, or of another stretch of the truth, from rows that come after the known ones."""
    series = Lorenz63().simulate(context + 3 * ROWS, dt=DT, seed=seed)
    truth = series[context + ROWS : context + 2 * ROWS]
    if learner == "truth":
        settings, other = {}, series[context + 2 * ROWS : context + 3 * ROWS]
    else:
        kind, given = LEARNED[learner]
        settings = {**given, **({"seed": seed} if "seed" in kind().get_params() else {})}
        other = kind(**settings).fit(series[:context]).forecast(SETTLING + ROWS)[SETTLING:]
    found = {box: state_space_divergence(truth, other, box=box) for box in ("range", "attractor")}
    found["spectrum"] = power_spectrum_distance(truth, other)
    return {"settings": settings, "learner": learner, "context": context, "rows": ROWS, "seed": seed, **found}


def write_table() -> None:
    """Put the table between its marks in README.md."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in read("climate"):
        groups.setdefault((row["learner"], row["context"]), []).append(row)
    lines = ["| learned by | rows known | seeds | D_stsp, box from min to max | D_stsp, wider box | D_H |"]
    lines.append("|---" * 6 + "|")
    for (learner, context), rows in groups.items():
        numbers = [f"{np.median([row[name] for row in rows]):.3g}" for name in MEASURES]
        name = "the truth, another stretch" if learner == "truth" else learner
        lines.append(f"| {name} | {context or ''} | {len(rows)} | {' | '.join(numbers)} |")
    lines.append(f"| {PUBLISHED} | 2000 | 1 | 0.804 | | 0.064 |")
    put("climate", lines)


if __name__ == "__main__":
    main()
