"""The demonstration: four examples, small, in about a minute."""

from typing import Any

from recurra.examples import earth_rotation, lorenz, oscillator, simple_sine
from recurra.examples.outcome import Outcome, Progress, median, tick
from recurra.report import Section, Table


def run(*, seeds: int, seed: int, progress: Progress | None = None) -> Outcome:
    """Run four examples with `seeds` seeds each and put their main figure into one table.

    Args:
        seeds: of each example.
        seed: the first of them.
        progress: called after every example.
    """
    common: dict[str, Any] = {"seeds": seeds, "seed": seed}
    parts: dict[str, Outcome] = {}
    works: list[tuple[str, Any]] = [
        ("simple-sine", lambda: simple_sine.run(**common)),
        ("oscillator", lambda: oscillator.run(**common, systems=("oscillator",))),
        ("lorenz", lambda: lorenz.run(**common, sizes=(500,), starts=5)),
        ("earth-rotation", lambda: earth_rotation.run(**common)),
    ]
    for done, (name, work) in enumerate(works):
        parts[name] = work()
        tick(progress, done + 1, len(works))
    results = {
        "seeds": [{"seed": seed + k} for k in range(seeds)],
        **{name: part.results for name, part in parts.items()},
    }
    for name, part in parts.items():
        for k in range(seeds):
            results["seeds"][k][name] = part.results["seeds"][k]
    return Outcome(results, _table(parts), [s for name, part in parts.items() for s in _sections(name, part)])


def _table(parts: dict[str, Outcome]) -> Table:
    sine, swing = parts["simple-sine"].results, parts["oscillator"].results
    chaos, pole = parts["lorenz"].results, parts["earth-rotation"].results
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


def _sections(name: str, part: Outcome) -> list[Section]:
    scores = Section(f"Scores: {name}", tables=[part.table])
    return [scores, *part.sections]
