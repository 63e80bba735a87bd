"""Many trainings by momentum side by side in one program, each with settings and a seed of its own.

    python -m benchmarks.long_lag.scan adding-mean 80 --grid '{"clip_norm": [1, 3], "seed": [100, 101]}'

Made for a graphics processor, where a hundred of them take as long as a few. All see the same sequences; the network,
its first weights and the update rule are those of the learner `momentum`. It tells which settings are worth a run of
`recurra task`, and adds a line for each training to results/scan.jsonl. For tasks with one answer, at the end.
"""

import argparse
import itertools
import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from recurra.reservoirs import draw_reservoir
from recurra.tasks.long_lag import LONG_LAG, LongLag

KEPT = Path(__file__).parent / "results" / "scan.jsonl"
BATCH, CHUNK, TESTS = 100, 250, 1000  # sequences of an update; updates in a program; sequences scored
USUAL: dict[str, Any] = {
    "learning_rate": 1e-3,
    "clip_norm": 3.0,
    "input_scale": 0.001,
    "output_scale": 0.1,
    "centred": True,
    "momentum": 0.995,
    "momentum_delay": 1000,
    "momentum_tail": 10000,
    "seed": 100,
}
Weights = dict[str, Any]


def main() -> None:
    """Train all, score them, keep a line for each."""
    parser = argparse.ArgumentParser(prog="benchmarks.long_lag.scan", description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=[name for name, make in LONG_LAG.items() if make(40).loss == "squared"])
    parser.add_argument("length", type=int)
    parser.add_argument("--grid", type=json.loads, default={}, help="settings, each with a list of values")
    parser.add_argument("--updates", type=int, default=50_000)
    parser.add_argument("--stop", type=int, help="after so many of them")
    args = parser.parse_args()
    task = LONG_LAG[args.task](args.length)
    runs = [USUAL | dict(zip(args.grid, values, strict=True)) for values in itertools.product(*args.grid.values())]
    made = args.updates if args.stop is None else min(args.stop, args.updates)
    weights = _trained(task, runs, args.updates, made)
    shift = _shift(task, runs)
    wrong = np.asarray(jax.jit(partial(_wrong, task.tolerance))(weights, shift, *_sequences(task, TESTS, [778, 0])))
    with KEPT.open("a") as file:
        for run, share in zip(runs, wrong.tolist(), strict=True):
            line = {"task": task.name, "length": task.length, **run, "updates": made, "of": args.updates}
            file.write(json.dumps({**line, "wrong_fraction": share}) + "\n")
            print(run, share)


def _trained(task: LongLag, runs: list[dict[str, Any]], updates: int, made: int) -> Weights:
    first = [_drawn(task, run) for run in runs]
    weights: Weights = {name: jnp.asarray(np.stack([each[name] for each in first]), jnp.float32) for name in first[0]}
    velocity = jax.tree.map(jnp.zeros_like, weights)
    columns = {name: jnp.asarray([run[name] for run in runs], jnp.float32) for name in USUAL if name != "seed"}
    many = jax.jit(partial(_updates, columns, _shift(task, runs), updates))
    with jax.default_matmul_precision("highest"):
        for start in range(0, made, CHUNK):
            parts = _sequences(task, BATCH * CHUNK, [777, start // CHUNK])
            batches = tuple(part.reshape(CHUNK, BATCH, *part.shape[1:]) for part in parts)
            weights, velocity = many(weights, velocity, jnp.asarray(start), batches)
    return weights


def _drawn(task: LongLag, run: dict[str, Any]) -> dict[str, np.ndarray]:
    """The first weights of one training."""
    size: dict[str, Any] = {"spectral_radius": 1.1, "in_degree": 15, "input_scaling": np.sqrt(3), "leak": 1.0}
    drawn = draw_reservoir(100, task.inputs, bias_scaling=0.0, seed=run["seed"], **size)
    V = np.random.default_rng([5, run["seed"]]).standard_normal((100, task.outputs))
    batch = task.draw(5000, seed=[9, 9])
    answers = batch.targets[batch.weights.any(axis=2)].mean(axis=0)
    W = scipy.sparse.csr_array(drawn.W).toarray()
    U = run["input_scale"] * drawn.W_in
    return {"W": W.T, "U": U.T, "b": np.zeros(100), "V": run["output_scale"] * V, "c": answers}


def _shift(task: LongLag, runs: list[dict[str, Any]]) -> Any:
    """What is subtracted from the inputs (runs, inputs): their mean, or nothing."""
    batch = task.draw(5000, seed=[9, 9])
    means = batch.inputs.sum(axis=(0, 1)) / batch.present.sum()
    return jnp.asarray([means * run["centred"] for run in runs], jnp.float32)


def _sequences(task: LongLag, count: int, seed: list[int]) -> tuple[np.ndarray, ...]:
    """Inputs, present and the answer at the end."""
    batch = task.draw(count, seed=seed)
    return batch.inputs, batch.present, batch.targets[np.arange(count), batch.present.sum(axis=1) - 1]


def _outputs(weights: Weights, shift: Any, inputs: Any, present: Any) -> Any:
    """(runs, sequences, outputs), at the end of every sequence."""
    bias = weights["b"] - jnp.einsum("ri,rin->rn", shift, weights["U"])

    def step(h: Any, seen: Any) -> tuple[Any, None]:
        x, there = seen
        a = jnp.einsum("rbn,rnm->rbm", h, weights["W"]) + jnp.einsum("bi,rin->rbn", x, weights["U"]) + bias[:, None]
        return jnp.where(there[None, :, None], jnp.tanh(a), h), None

    start = jnp.zeros((len(bias), inputs.shape[0], bias.shape[1]))
    last, _ = jax.lax.scan(step, start, (inputs.swapaxes(0, 1), present.T))
    return jnp.einsum("rbn,rno->rbo", last, weights["V"]) + weights["c"][:, None]


def _loss(weights: Weights, shift: Any, inputs: Any, present: Any, answers: Any) -> Any:
    return jnp.mean((_outputs(weights, shift, inputs, present) - answers) ** 2, axis=(1, 2)).sum()


def _wrong(tolerance: float, weights: Weights, shift: Any, inputs: Any, present: Any, answers: Any) -> Any:
    return jnp.mean((jnp.abs(_outputs(weights, shift, inputs, present) - answers) > tolerance).any(axis=2), axis=1)


def _updates(
    columns: Weights, shift: Any, updates: int, weights: Weights, velocity: Weights, start: Any, batches: Any
) -> tuple[Weights, Weights]:
    """Nesterov's rule as of `recurra.training.optimizers`, for every training by its own settings."""

    def momentum(update: Any) -> Any:
        mu = jnp.where(update < columns["momentum_delay"], jnp.minimum(columns["momentum"], 0.9), columns["momentum"])
        return jnp.where(update >= updates - columns["momentum_tail"], jnp.minimum(mu, 0.9), mu)

    def one(carry: Any, batch: Any) -> tuple[Any, None]:
        weights, velocity, update = carry
        slope = jax.grad(_loss)(weights, shift, *batch)
        length = jnp.sqrt(sum(jnp.sum(g**2, axis=tuple(range(1, g.ndim))) for g in slope.values()))
        rate = columns["learning_rate"] * jnp.minimum(1.0, columns["clip_norm"] / jnp.maximum(length, 1e-30))
        step = {name: -_each(rate, g) * g for name, g in slope.items()}
        now, after = momentum(update), momentum(update + 1)
        velocity = {name: _each(now, v) * v + step[name] for name, v in velocity.items()}
        weights = {name: w + _each(after, w) * velocity[name] + step[name] for name, w in weights.items()}
        return (weights, velocity, update + 1), None

    (weights, velocity, _), _ = jax.lax.scan(one, (weights, velocity, start), batches)
    return weights, velocity


def _each(values: Any, like: Any) -> Any:
    """One number a training, to be multiplied with an array that has them first."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


if __name__ == "__main__":
    main()
