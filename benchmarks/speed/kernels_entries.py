"""One recurrent layer, forward and backward, on one thread: the native kernel through NumPy, and PyTorch's layer."""

from typing import Any

import numpy as np
from benchmarks.speed.worker import Entry, UnavailableError, seconds

SPAN = 0.2  # seconds that one timing takes at least
NAMES = {"rnn": "elman", "gru": "gru", "lstm": "lstm"}


def _data(cell: str, batch: int, steps: int, inputs: int, units: int, precision: str) -> dict[str, np.ndarray]:
    rng, rows = np.random.default_rng(4), {"rnn": 1, "gru": 3, "lstm": 4}[cell] * units
    shapes = {"x": (batch, steps, inputs), "U": (rows, inputs), "W": (rows, units), "b": (rows,), "d": (rows,)}
    found = {name: rng.standard_normal(shape) / np.sqrt(units) for name, shape in shapes.items()}
    found["g"] = rng.standard_normal((batch, steps, units))  # the gradient with respect to the outputs
    return {name: array.astype(precision) for name, array in found.items()}


def _checked(hs: np.ndarray, U: np.ndarray, W: np.ndarray) -> dict[str, list[float]]:
    parts = {"outputs": hs[0, -1], "gradient of U": U[:, 0], "gradient of W": W[:, 0]}
    return {name: np.asarray(part, np.float64).tolist() for name, part in parts.items()}


def _repeated(run: Any) -> Entry:
    run()
    count = max(2, round(SPAN / seconds(run)))
    return Entry(lambda: seconds(lambda: [run() for _ in range(count)]) / count, facts={"calls": count})


def recurra(*, cell: str, batch: int, steps: int, inputs: int, units: int, precision: str) -> Entry:
    """Seconds of a forward and a backward call of `recurra.native.sequences`."""
    try:
        from recurra.native import sequences, status
    except ImportError as error:
        raise UnavailableError(f"recurra has no native kernels: {error}") from error
    if not status().active:
        raise UnavailableError(f"the native kernels of recurra do not run: {status().reason}")
    given = _data(cell, batch, steps, inputs, units, precision)
    x, zero = given["x"], np.zeros((batch, units), precision)
    c = zero if cell == "lstm" else None
    weights = sequences.Weights(NAMES[cell], given["U"], given["W"], given["b"], given["d"] if cell == "gru" else None)

    forward = sequences.forward(weights, x, zero, c, workers=1)
    backward: dict[str, Any] = {"of_inputs": False, "workers": 1}  # as in a training: the inputs are data
    gradient = sequences.backward(weights, x, forward.tape, given["g"], zero, c, **backward)

    def run() -> None:
        again = sequences.forward(weights, x, zero, c, workers=1, out=forward)
        sequences.backward(weights, x, again.tape, given["g"], zero, c, out=gradient, **backward)

    run()
    entry = _repeated(run)
    entry.check, entry.facts["isa"] = _checked(forward.hs, gradient.U, gradient.W), status().isa
    return entry


def torch(*, cell: str, batch: int, steps: int, inputs: int, units: int, precision: str) -> Entry:
    """Seconds of a forward and a backward pass of `nn.RNN`, `nn.GRU` or `nn.LSTM` on one thread."""
    import torch as library

    library.set_num_threads(1)
    given = {k: library.from_numpy(v) for k, v in _data(cell, batch, steps, inputs, units, precision).items()}
    kind = {"rnn": library.nn.RNN, "gru": library.nn.GRU, "lstm": library.nn.LSTM}[cell]
    layer = kind(inputs, units, dtype=given["x"].dtype)
    U, W, b, d = (given[name] for name in ("U", "W", "b", "d"))
    if cell == "gru":  # PyTorch has its reset gate first
        U, W, b, d = (library.cat([part[units : 2 * units], part[:units], part[2 * units :]]) for part in (U, W, b, d))
    else:
        d = library.zeros_like(b)
    layer.load_state_dict({"weight_ih_l0": U, "weight_hh_l0": W, "bias_ih_l0": b, "bias_hh_l0": d})
    x, g = (given[name].transpose(0, 1).contiguous() for name in ("x", "g"))

    def run() -> Any:
        layer.zero_grad()
        hs = layer(x)[0]
        hs.backward(g)
        return hs

    hs = run().detach().transpose(0, 1).numpy()
    grads = [np.array(part.grad) for part in (layer.weight_ih_l0, layer.weight_hh_l0)]
    if cell == "gru":
        grads = [np.concatenate([p[units : 2 * units], p[:units], p[2 * units :]]) for p in grads]
    entry = _repeated(run)
    entry.check = _checked(hs, *grads)
    return entry
