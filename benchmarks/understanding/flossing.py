"""Whether flossing helps gradients to reach far back: bits that are to be said again fifty steps later.

python -m benchmarks.understanding.flossing                    # every row that is not there yet, ten minutes
python -m benchmarks.understanding.flossing --only gaussian    # rows whose name begins so
"""

import argparse
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from benchmarks.understanding.results import put, read, record

from recurra.models import Stack
from recurra.training import floss

SEEDS = 3
UNITS, STEPS, BATCH, LAG = 80, 100, 16, 50
TASK = {"lag": LAG, "steps": STEPS, "batch": BATCH, "updates": 1500, "learning_rate": 1e-3, "clip_norm": 0.03}
FLOSSING = {"epochs": 200, "steps": 55}
STARTS = {"gaussian": None, "gaussian, k=75": 75, "orthogonal": None, "orthogonal, k=32": 32, "orthogonal, k=75": 75}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.flossing", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    for start, count in STARTS.items():
        for seed in range(SEEDS):
            name = f"{start} seed={seed}"
            if name.startswith(args.only) and not args.tables:
                make = lambda start=start, count=count, seed=seed: copies(start, count, seed)  # noqa: E731
                record("flossing", name, make, again=args.again)
    write_table()


def copies(start: str, count: int | None, seed: int) -> dict[str, Any]:
    """Train a vanilla network to say each bit again `LAG` steps later; the error over the last hundred updates."""
    model = drawn(seed, gaussian=start.startswith("gaussian"))
    exponents = None
    if count is not None:
        bits = np.random.default_rng([seed, 1]).integers(0, 2, (1, FLOSSING["steps"], 1)).astype(np.float32)
        model, along = floss(model, bits, count=count, epochs=FLOSSING["epochs"], seed=seed)
        exponents = {"before": along[0][[0, -1]].tolist(), "after": along[-1][[0, -1]].tolist()}
    errors = trained(model, seed)
    return {
        "settings": {"units": UNITS, "start": start, "count": count, "flossing": FLOSSING, "seed": seed, **TASK},
        "first and last exponent": exponents,
        "mse": float(np.mean(errors[-100:])),
        "curve": np.mean(np.reshape(errors, (15, -1)), axis=1).round(5).tolist(),
    }


def drawn(seed: int, *, gaussian: bool) -> Stack:
    """A vanilla network; its recurrent weights orthogonal, or Gaussian of variance 1 / units."""
    model = Stack.draw("elman", 1, 1, units=UNITS, seed=seed)
    if not gaussian:
        return model
    W = np.random.default_rng([seed, 2]).standard_normal((UNITS, UNITS)) / np.sqrt(UNITS)
    return eqx.tree_at(lambda stack: stack.cells[0].W, model, W.astype(np.float32))


def trained(model: Stack, seed: int) -> np.ndarray:
    """The mean squared error of each update, by Adam with clipped gradients, on new bits every time."""
    weights, rest = eqx.partition(jax.tree.map(jnp.asarray, model), eqx.is_inexact_array)
    rule = optax.chain(optax.clip_by_global_norm(TASK["clip_norm"]), optax.adam(TASK["learning_rate"]))

    def error(weights: Any, bits: jax.Array) -> jax.Array:
        said = jax.vmap(eqx.combine(weights, rest))(bits)
        return jnp.mean((said[:, LAG:] - bits[:, :-LAG]) ** 2)

    @jax.jit
    def update(weights: Any, state: Any, bits: jax.Array) -> Any:
        value, gradient = jax.value_and_grad(error)(weights, bits)
        step, state = rule.update(gradient, state, weights)
        return optax.apply_updates(weights, step), state, value

    rng, state, errors = np.random.default_rng([seed, 3]), rule.init(weights), []
    for _ in range(TASK["updates"]):
        bits = rng.integers(0, 2, (BATCH, STEPS, 1)).astype(np.float32)
        weights, state, value = update(weights, state, bits)
        errors.append(value)
    return np.asarray(errors, np.float64)


def write_table() -> None:
    """Put the table between its marks in README.md."""
    lines = [
        "| start | error (mse), seeds 0, 1, 2 | exponents 1 and k before, after flossing (seed 0) |",
        "|---|---|---|",
    ]
    rows = {row["name"]: row for row in read("flossing")}
    for start in STARTS:
        found = [rows[name] for seed in range(SEEDS) if (name := f"{start} seed={seed}") in rows]
        if not found:
            continue
        moved = found[0]["first and last exponent"] or {}
        shown = "; ".join(", ".join(f"{value:.3f}" for value in pair) for pair in moved.values())
        errors = ", ".join(f"{row['mse']:.4f}" for row in found)
        lines.append(f"| {start} | {errors} | {shown} |")
    put("flossing", lines)


if __name__ == "__main__":
    main()
