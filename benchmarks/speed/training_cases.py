"""The data of a training step, and its start, alike in all libraries."""

from pathlib import Path
from typing import Any

import numpy as np

WEIGHTS = "weights.npz"
UPDATES = 5  # whose losses are compared


def rows(steps: int, windows: int, channels: int) -> np.ndarray:
    """Random rows from which windows of `steps` + 1 rows are cut, one row apart."""
    return np.random.default_rng(1).standard_normal((steps + windows, channels))


def batches(values: np.ndarray, steps: int, batch: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets (batch, steps, channels) of every batch, float32, scaled as an estimator scales them."""
    scaled = ((values - values.mean(axis=0)) / values.std(axis=0)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, steps + 1, axis=0).transpose(0, 2, 1)
    count = len(windows) // batch
    return [
        (np.ascontiguousarray(part[:, :-1]), np.ascontiguousarray(part[:, 1:]))
        for part in (windows[k * batch : (k + 1) * batch] for k in range(count))
    ]


def write_weights(folder: str, network: Any) -> None:
    """The start of the training for the other libraries: the cell as PyTorch and as Keras name it, the readout."""
    from recurra.cells.conventions import to_keras, to_torch

    cell = network.cells[0]
    arrays = {f"torch/{name}": np.asarray(array) for name, array in to_torch(cell).items()}
    arrays |= {f"keras/{k}": np.asarray(array) for k, array in enumerate(to_keras(cell))}
    for k, layer in enumerate(network.readout):
        arrays |= {f"readout/{k}/weight": np.asarray(layer.V), f"readout/{k}/bias": np.asarray(layer.c)}
    np.savez(Path(folder) / WEIGHTS, **arrays)  # pyright: ignore[reportArgumentType]


def read_weights(folder: str, kind: str) -> dict[str, np.ndarray]:
    """Those whose names begin with `kind`."""
    with np.load(Path(folder) / WEIGHTS) as arrays:
        return {name.removeprefix(f"{kind}/"): arrays[name] for name in arrays.files if name.startswith(f"{kind}/")}


def flops(batch: int, steps: int, inputs: int, units: int, gates: int) -> float:
    """Operations of one update: three times those of the forward pass, the input gradient counted as in any layer."""
    return 3 * 2 * batch * steps * (gates * units * (units + inputs + 1) + units * inputs)
