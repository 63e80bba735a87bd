"""A training step of Keras, on the backend of this process: `fit` of a recurrent and a dense layer."""

import keras
import numpy as np
from benchmarks.speed.training_cases import UPDATES, batches, read_weights, rows
from benchmarks.speed.worker import Entry, seconds

LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def network(cell: str, steps: int, inputs: int, units: int, folder: str, at_once: int) -> keras.Model:
    """The network with the weights of the start, compiled by Keras as it sees fit."""
    layer, readout = LAYERS[cell](units, return_sequences=True), keras.layers.Dense(inputs)
    model = keras.Sequential([keras.Input((steps, inputs)), layer, readout])
    arrays = read_weights(folder, "keras")
    layer.set_weights([arrays[str(k)] for k in range(len(arrays))])
    last = read_weights(folder, "readout")
    readout.set_weights([last["0/weight"].T, last["0/bias"]])
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-7), steps_per_execution=at_once)
    return model


def build(
    *, cell: str, batch: int, steps: int, inputs: int, units: int, windows: int, folder: str, at_once: int,
    epochs: tuple[int, int],
) -> Entry:  # fmt: skip
    """Seconds of one update: a long `fit` less a short one, by the updates between them.

    Args:
        at_once: `steps_per_execution`, updates without a return to Python.
        epochs: of the short and of the long fit.
    """
    x, y = batches(rows(steps, batch, inputs), steps, batch)[0]
    model = network(cell, steps, inputs, units, folder, at_once)
    losses = model.fit(x, y, batch_size=batch, epochs=UPDATES, shuffle=False, verbose=0).history["loss"]
    x, y = (np.concatenate(part) for part in zip(*batches(rows(steps, windows, inputs), steps, batch), strict=True))

    def fit(count: int) -> float:
        return seconds(lambda: model.fit(x, y, batch_size=batch, epochs=count, shuffle=False, verbose=0))

    short, long = epochs
    first = fit(short)
    updates = (long - short) * (windows // batch)
    check = {"loss": losses[:1], "losses after updates": losses[1:]}
    return Entry(lambda: (fit(long) - fit(short)) / updates, check, first, {"updates": updates})
