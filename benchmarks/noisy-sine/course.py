"""The networks of the course on the noisy sine: 2 layers of 64 units, window of 50, Adam 1e-3, 100 epochs, batch 32.

One step ahead, the last step of a window against one target, as there; mean squared error of the last 250 rows, and of
it what is above the noise, both over the floor. The noise has other seeds than that of the example. A training that was
stopped goes on from its checkpoint.

    python benchmarks/noisy-sine/course.py rnn 1000 /tmp >> benchmarks/noisy-sine/course.jsonl
"""

import json
import sys
from pathlib import Path

import numpy as np

from recurra.data import windows
from recurra.examples.noisy_sine import FLOOR, TRAINED, noisy_sine
from recurra.forecasting.compiled import Compiled
from recurra.models import Stack
from recurra.training import LastStep, Settings, train

WINDOW = 50


def main(cell: str, seed: int, folder: Path) -> None:
    x = noisy_sine(seed).values
    inputs, targets = (np.array(part, np.float32) for part in windows(x[:TRAINED], WINDOW))
    model = Stack.draw("elman" if cell == "rnn" else cell, 1, 1, units=64, layers=2, seed=seed)
    checkpoint = folder / f"course-{cell}-{seed}.safetensors"
    settings = Settings(epochs=100, stretch=5, seed=seed)
    network = Compiled(train(model, LastStep(), (inputs, targets), settings, checkpoint=checkpoint).best)
    test, truth = windows(x[TRAINED - WINDOW :], WINDOW)
    forecast = network.run(network.initial_state(len(test)), test)[1][:, -1]
    clean = np.sin(noisy_sine(seed).times[TRAINED:])[:, None]
    over = {name: float(np.mean((forecast - y) ** 2) / FLOOR) for name, y in (("mse", truth), ("above", clean))}
    print(json.dumps({"cell": cell, "noise": seed, **over}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
