"""A Gauss-Newton product of recurra, by `jax.linearize` and `jax.linear_transpose`, and a gradient of the same loss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.speed.worker import Entry, seconds

SPAN = 0.2  # seconds that one timing takes at least
KINDS = {"rnn": "elman", "gru": "gru", "lstm": "lstm"}
PROBLEM = "curvature.npz"


def product(*, folder: str, loss: str, **sizes: Any) -> Entry:
    """Seconds of one product: many in one program less a few, so that the linearisation is not counted.

    Args:
        folder: where weights, data and the direction are written for the other libraries.
        loss: "squared error" or "softmax".
        sizes: cell, batch, steps, inputs, units, outputs.
    """
    import jax

    model, direction, x, y = _problem(**sizes)
    _write(folder, model, direction, x, y)

    def value(outputs: Any, y: Any) -> Any:
        return _loss(loss, outputs, y)

    def one(model: Any, v: Any, x: Any, y: Any) -> Any:
        return _linearised(model, x, y, value)(v)

    @jax.jit
    def many(model: Any, v: Any, x: Any, y: Any, count: int) -> Any:
        apply = _linearised(model, x, y, value)

        def following(_: Any, v: Any) -> Any:
            found = apply(v)
            size = jax.numpy.sqrt(sum(jax.numpy.vdot(leaf, leaf) for leaf in jax.tree.leaves(found)))
            return jax.tree.map(lambda leaf: leaf / size, found)

        return jax.lax.fori_loop(0, count, following, v)

    def run(count: int) -> Any:
        return jax.block_until_ready(many(model, direction, x, y, count))

    first = seconds(lambda: run(1))
    few = 2
    count = max(10, round(SPAN / max(1e-4, (seconds(lambda: run(6)) - seconds(lambda: run(1))) / 5)))
    check = {
        "loss": [float(value(_outputs(model, x), y))],
        "product": _flat(jax.jit(one)(model, direction, x, y)),
    }

    def time() -> float:
        return (seconds(lambda: run(few + count)) - seconds(lambda: run(few))) / count

    return Entry(time, check, first, {"products": count})


def gradient(*, folder: str, loss: str, **sizes: Any) -> Entry:
    """Seconds of one gradient of that loss."""
    import jax

    del folder
    model, _, x, y = _problem(**sizes)
    slope = jax.jit(jax.value_and_grad(lambda m, x, y: _loss(loss, _outputs(m, x), y)))
    found: list[float] = []

    def run() -> None:
        found[:] = [float(jax.block_until_ready(slope(model, x, y))[0])]

    first = seconds(run)
    count = max(2, round(SPAN / seconds(run)))
    return Entry(lambda: seconds(lambda: [run() for _ in range(count)]) / count, {"loss": found}, first)


def _problem(*, cell: str, batch: int, steps: int, inputs: int, units: int, outputs: int) -> tuple[Any, Any, Any, Any]:
    """A network, a direction of its weights, inputs and targets."""
    import jax

    from recurra.models import Stack

    rng = np.random.default_rng(3)
    model = Stack.draw(KINDS[cell], inputs, outputs, units=units, seed=2)
    direction = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(leaf.dtype) / 10, model)
    x = rng.standard_normal((batch, steps, inputs)).astype(np.float32)
    y = rng.standard_normal((batch, outputs)).astype(np.float32)
    return (
        *(jax.tree.map(jax.numpy.asarray, tree) for tree in (model, direction)),
        jax.numpy.asarray(x),
        jax.numpy.asarray(y),
    )


def _outputs(model: Any, x: Any) -> Any:
    """The readout of the last state (batch, outputs)."""
    from recurra.cells import run_cell

    cell = model.cells[0]
    last, _ = run_cell(cell, model.initial_states(len(x))[0], x)
    return model.readout[0](cell.output(last))


def _loss(kind: str, outputs: Any, y: Any) -> Any:
    """The mean over the batch: of squared errors, or of -log softmax at the largest of y."""
    import jax

    if kind == "squared error":
        return ((outputs - y) ** 2).mean()
    chosen = jax.nn.one_hot(y.argmax(axis=1), y.shape[1], dtype=y.dtype)
    return -(chosen * jax.nn.log_softmax(outputs)).sum(axis=1).mean()


def _linearised(model: Any, x: Any, y: Any, value: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """v -> J' H J v, with J of the outputs and H of the loss of them."""
    import jax

    outputs, along = jax.linearize(lambda m: _outputs(m, x), model)
    back = jax.linear_transpose(along, model)
    _, curved = jax.linearize(jax.grad(lambda z: value(z, y)), outputs)

    return lambda v: back(curved(along(v)))[0]


def _parts(model: Any) -> dict[str, np.ndarray]:
    """Arrays as PyTorch names them."""
    from recurra.cells.conventions import to_torch

    found = {f"cell/{name}": np.asarray(array) for name, array in to_torch(model.cells[0]).items()}
    readout = model.readout[0]
    return found | {"readout/weight": np.asarray(readout.V), "readout/bias": np.asarray(readout.c)}


def _write(folder: str, model: Any, direction: Any, x: Any, y: Any) -> None:
    arrays = {f"weights/{name}": array for name, array in _parts(model).items()}
    arrays |= {f"direction/{name}": array for name, array in _parts(direction).items()}
    arrays |= {"x": np.asarray(x), "y": np.asarray(y)}
    np.savez(Path(folder) / PROBLEM, **arrays)  # pyright: ignore[reportArgumentType]


def _flat(product: Any) -> list[float]:
    parts = _parts(product)
    names = ("cell/weight_ih_l0", "cell/weight_hh_l0", "readout/weight")
    return np.concatenate([parts[name].ravel() for name in names]).astype(np.float64).tolist()
