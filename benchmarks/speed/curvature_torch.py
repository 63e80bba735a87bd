"""A Gauss-Newton product of PyTorch, by differentiating twice in reverse mode."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.speed.curvature_recurra import PROBLEM
from benchmarks.speed.worker import Entry, seconds

CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
SPAN = 0.2  # seconds that one timing takes at least


def product(
    *, cell: str, batch: int, steps: int, inputs: int, units: int, outputs: int, loss: str, folder: str, threads: int
) -> Entry:
    """Seconds of one product; forward pass and first differentiation are kept, as the linearisation of recurra is."""
    del batch, steps
    torch.set_num_threads(threads)
    with np.load(Path(folder) / PROBLEM) as arrays:
        given = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    layer, readout = CELLS[cell](inputs, units), torch.nn.Linear(units, outputs)
    for name, module in (("cell", layer), ("readout", readout)):
        module.load_state_dict({each: given[f"weights/{name}/{each}"] for each in module.state_dict()})
    if cell != "gru":  # two biases that only stand in a sum
        layer.bias_hh_l0.requires_grad_(False)
    named = [
        (f"{name}/{each}", p) for name, m in (("cell", layer), ("readout", readout)) for each, p in m.named_parameters()
    ]
    named = [(name, weight) for name, weight in named if weight.requires_grad]
    weights, v = [weight for _, weight in named], [given[f"direction/{name}"] for name, _ in named]
    x, y = given["x"].transpose(0, 1).contiguous(), given["y"]

    with torch.backends.mkldnn.flags(enabled=False):  # whose LSTM can not be differentiated twice
        _, last = layer(x)
        z = readout((last[0] if cell == "lstm" else last)[0])
    u = torch.zeros_like(z, requires_grad=True)
    slopes = torch.autograd.grad(z, weights, u, create_graph=True)
    shares = torch.softmax(z.detach(), dim=1)

    def curved(tangent: torch.Tensor) -> torch.Tensor:
        if loss == "squared error":
            return tangent * (2 / tangent.numel())
        return (shares * tangent - shares * (shares * tangent).sum(dim=1, keepdim=True)) / len(tangent)

    def once() -> tuple[Any, ...]:
        (tangent,) = torch.autograd.grad(slopes, u, v, retain_graph=True)
        return torch.autograd.grad(z, weights, curved(tangent), retain_graph=True)

    found = dict(zip([name for name, _ in named], once(), strict=True))
    parts = [found[name].numpy().ravel() for name in ("cell/weight_ih_l0", "cell/weight_hh_l0", "readout/weight")]
    value = torch.nn.functional.mse_loss(z, y) if loss == "squared error" else (
        torch.nn.functional.cross_entropy(z, y.argmax(dim=1))
    )  # fmt: skip
    check = {"loss": [float(value)], "product": np.concatenate(parts).astype(np.float64).tolist()}
    count = max(2, round(SPAN / seconds(once)))

    def time() -> float:
        torch.set_num_threads(threads)
        return seconds(lambda: [once() for _ in range(count)]) / count

    return Entry(time, check, facts={"products": count})
