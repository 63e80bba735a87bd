"""The demonstration: four examples, small, in about a minute."""

from functools import partial
from typing import Any

from recurra.examples import earth_rotation, lorenz, oscillator, simple_sine
from recurra.examples.outcome import NOWHERE, Outcome, Progress, median, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table


def run(*, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE) -> Outcome:
    """Run four examples with `seeds` seeds each and put their main figure into one table.

    Args:
        seeds: of each example.
        seed: the first of them.
        progress: called after every example.
        parts: where finished networks are kept.
    """
    common: dict[str, Any] = {"seeds": seeds, "seed": seed}
    outcomes: dict[str, Outcome] = {}
    works: dict[str, Any] = {
        "simple-sine": simple_sine.run,
        "oscillator": partial(oscillator.run, systems=("oscillator",)),
        "lorenz": partial(lorenz.run, sizes=(500,), starts=5),
        "earth-rotation": earth_rotation.run,
    }
    for done, (name, work) in enumerate(works.items()):
        outcomes[name] = work(**common, parts=parts.under(name))
        tick(progress, done + 1, len(works))
    results = {
        "seeds": [{"seed": seed + k} for k in range(seeds)],
        **{name: outcome.results for name, outcome in outcomes.items()},
    }
    for name, outcome in outcomes.items():
        for k in range(seeds):
            results["seeds"][k][name] = outcome.results["seeds"][k]
    sections = [section for name, outcome in outcomes.items() for section in _sections(name, outcome)]
    return Outcome(results, _table(outcomes), sections)


def _table(outcomes: dict[str, Outcome]) -> Table:
    sine, swing = outcomes["simple-sine"].results, outcomes["oscillator"].results
    chaos, pole = outcomes["lorenz"].results, outcomes["earth-rotation"].results
    first = {b: median(e["baselines"][b] for e in sine["seeds"]) for b in ("persistence", "linear")}
    arx = swing["baselines"]["oscillator"]
    var = pole["baselines"]["vector AR, same rows"]
    rows: list[list[Any]] = [
        [
            "the lecture's noisy sine",
            "test MSE, floor 1/3",
            sine["median"]["test"]["mse"],
            first["persistence"],
            first["linear"],
        ],
        [
            "driven oscillator, LSTM",
            "NRMSE, 5 drive periods",
            swing["median"]["oscillator"]["nrmse"],
            arx["persistence"],
            arx["linear"],
        ],
        [
            "Lorenz-63, echo state network",
            "valid Lyapunov times",
            chaos["median"]["500"]["valid_time"],
            chaos["baselines"]["persistence"],
            chaos["baselines"]["linear"],
        ],
    ]
    for days in ("10", "30", "90"):
        ours, still = pole["median"][days]["rmse"], pole["baselines"]["persistence"][days]["rmse"]
        rows.append([f"Earth's pole, {days} days ahead", "RMSE of x, mas", ours, still, var[days]["rmse"]])
    caption = "Four things learnt and forecast, each beside persistence and a linear (vector) autoregression"
    return Table(["what", "score", "recurra", "persistence", "linear"], rows, caption)


def _sections(name: str, outcome: Outcome) -> list[Section]:
    scores = Section(f"Scores: {name}", tables=[outcome.table])
    return [scores, *outcome.sections]
