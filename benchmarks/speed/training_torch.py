"""A training step of PyTorch: `nn.RNN`, `nn.GRU` or `nn.LSTM`, a linear readout, Adam."""

from typing import Any

import torch
from benchmarks.speed.training_cases import UPDATES, batches, read_weights, rows
from benchmarks.speed.worker import Entry, seconds

CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
SPAN = 0.15  # seconds that one timing takes at least


class Network(torch.nn.Module):
    """Recurrent layer and readout; time first, which is the fastest."""

    def __init__(self, cell: str, inputs: int, units: int, folder: str) -> None:
        super().__init__()
        self.cell, self.readout = CELLS[cell](inputs, units), torch.nn.Linear(units, inputs)
        self.cell.load_state_dict({name: torch.from_numpy(a) for name, a in read_weights(folder, "torch").items()})
        arrays = {name.removeprefix("0/"): torch.from_numpy(a) for name, a in read_weights(folder, "readout").items()}
        self.readout.load_state_dict(arrays)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.readout(self.cell(x)[0])


class Trainer:
    """One network and its optimiser.

    Args:
        network: it is trained in place.
        adam: "plain", "foreach" or "fused".
        compiled: whether `torch.compile` makes the forward pass.
    """

    def __init__(self, network: Network, adam: str, *, compiled: bool) -> None:
        options: dict[str, Any] = {"foreach": adam == "foreach"} if adam != "fused" else {"fused": True}
        self.network = torch.compile(network) if compiled else network
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7, **options)

    def update(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """One update; the loss before it."""
        loss = torch.nn.functional.mse_loss(self.network(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss


def build(
    *, cell: str, batch: int, steps: int, inputs: int, units: int, windows: int, folder: str, threads: int, adam: str,
    compiled: bool = False, members: int = 1,
) -> Entry:  # fmt: skip
    """Seconds of one update, of all members one after the other; the batches lie ready as tensors."""
    torch.set_num_threads(threads)
    network = Network(cell, inputs, units, folder)
    if cell != "gru":  # two biases that only stand in a sum would make two steps where the others make one
        network.cell.bias_hh_l0.requires_grad_(False)
    checked = Trainer(network, adam, compiled=compiled)
    one = _tensors(rows(steps, batch, inputs), steps, batch)[0]
    losses = []
    first = seconds(lambda: losses.append(float(checked.update(*one))))
    losses += [float(checked.update(*one)) for _ in range(UPDATES - 1)]
    trainers = [Trainer(Network(cell, inputs, units, folder), adam, compiled=compiled) for _ in range(members)]
    ready = _tensors(rows(steps, windows, inputs), steps, batch)

    def turns(count: int) -> None:
        for k in range(count):
            for trainer in trainers:
                trainer.update(*ready[k % len(ready)])

    turns(1)
    count = max(2, round(SPAN / seconds(lambda: turns(1))))

    def time() -> float:
        torch.set_num_threads(threads)
        return seconds(lambda: turns(count)) / count

    return Entry(time, {"loss": losses[:1], "losses after updates": losses[1:]}, first, {"updates": count})


def _tensors(values: Any, steps: int, batch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    found = []
    for pair in batches(values, steps, batch):
        x, y = (torch.from_numpy(part).transpose(0, 1).contiguous() for part in pair)
        found.append((x, y))
    return found
