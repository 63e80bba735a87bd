"""Three memories of one bit in one network: the states in which it rests, and what it says there.

python -m benchmarks.understanding.flip_flop               # every row that is not there yet, a minute
python -m benchmarks.understanding.flip_flop --only gru    # rows whose name begins so
"""

import argparse
from typing import Any

import jax
import numpy as np
from benchmarks.understanding.results import put, read, record
from jax.tree_util import Partial

import recurra as rc
from recurra import tasks
from recurra.diagnostics import PeriodicPoints, fixed_points
from recurra.models import in_precision

SEEDS = 3
BITS = 3
TASK = {"length": 100, "bits": BITS, "rate": 0.1}
SETTINGS = {"units": 32, "epochs": 1000, "learning_rate": 1e-2, "final_learning_rate": 1e-4}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.flip_flop", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    for cell in ("gru", "lstm", "elman"):
        for seed in range(SEEDS):
            name = f"{cell} seed={seed}"
            if name.startswith(args.only) and not args.tables:
                record("flip_flop", name, lambda cell=cell, seed=seed: flip_flops(cell, seed), again=args.again)
    write_table()


def flip_flops(cell: str, seed: int) -> dict[str, Any]:
    """Train on pulses, and look for rest without any."""
    train, test = tasks.flip_flop(64, seed=seed, **TASK), tasks.flip_flop(64, seed=1000 + seed, **TASK)
    model = rc.Sequences(task=train.task, cell=cell, seed=seed, **SETTINGS).fit(train.inputs, train.targets)
    found, said = at_rest(model, test.inputs, seed)
    unstable = (np.abs(found.multipliers) > 1).sum(axis=1)
    corners = np.round(said)
    return {
        "settings": {"task": TASK, "cell": cell, "seed": seed, **SETTINGS},
        "mse": model.score(test.inputs, test.targets)["mse"],
        "starts": found.starts,
        "lost": found.lost,
        "by unstable directions": np.bincount(unstable, minlength=BITS + 1).tolist(),
        "corners": len({tuple(row) for row in corners[unstable == 0].tolist()}),
        "worst at a corner": float(np.abs(np.abs(said[unstable == 0]) - 1).max(initial=0.0)),
        "zeros by unstable directions": [
            sorted({int((row == 0).sum()) for row in corners[unstable == k]}) for k in range(unstable.max() + 1)
        ],
        "largest multiplier of a stable one": float(np.abs(found.multipliers[unstable == 0, 0]).max(initial=0.0)),
        "outputs": said.round(4).tolist(),
    }


def at_rest(model: rc.Sequences, inputs: list[np.ndarray], seed: int) -> tuple[PeriodicPoints, np.ndarray]:
    """The fixed points under no pulse, from states along the inputs, near these and between them; the outputs there."""
    network: Any = in_precision(model.network_.model, "float64")
    quiet = model.inputs_.code([np.zeros((1, BITS))], "inputs")[0][0]
    with jax.enable_x64(True):
        seen = np.concatenate(model.inputs_.code(inputs[:16], "inputs"))
        start = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), network.initial_state())
        states = jax.tree.map(np.asarray, jax.lax.scan(lambda h, x: (network.step(h, x)[0],) * 2, start, seen)[1])
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(seen))
    starts = jax.tree.map(lambda h: np.concatenate([h, _near(h, rng), (h + h[mixed]) / 2]), states)
    found = fixed_points(Partial(_quiet, network, quiet), starts)
    with jax.enable_x64(True):
        said = jax.vmap(lambda h: network.step(h, quiet)[1])(found.states)
    return found, model.targets_.values(np.asarray(said))


def _near(states: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return states + 0.5 * states.std(axis=0) * rng.standard_normal(states.shape)


def _quiet(network: Any, x: Any, state: Any) -> Any:
    return network.step(state, x)[0]


def write_table() -> None:
    """Put the table between its marks in README.md."""
    lines = [
        "| network | error (mse) | starts that led nowhere | stable, saddles with 1, 2, 3 unstable directions | "
        "corners with a stable one | furthest from its corner |",
        "|---|---|---|---|---|---|",
    ]
    for row in read("flip_flop"):
        counts = ", ".join(map(str, row["by unstable directions"]))
        lines.append(
            f"| {row['name']} | {row['mse']:.2g} | {row['lost']} of {row['starts']} | {counts} | {row['corners']} | "
            f"{row['worst at a corner']:.3f} |"
        )
    put("flip-flop", lines)


if __name__ == "__main__":
    main()
