"""A training step of recurra: the public `fit`."""

from typing import Any

from benchmarks.speed.training_cases import UPDATES, rows, write_weights
from benchmarks.speed.worker import Entry, seconds


def build(
    *, cell: str, batch: int, steps: int, inputs: int, units: int, windows: int, folder: str, epochs: tuple[int, int],
    members: int = 1,
) -> Entry:  # fmt: skip
    """Seconds of one update: a long warm `fit` less a short one, by the updates between them.

    Args:
        cell: "rnn", "gru" or "lstm".
        batch, steps, inputs, units: B, T, I, H.
        windows: of the training rows, a whole number of batches.
        folder: where the start of the training is written for the other libraries.
        epochs: of the short and of the long fit.
        members: seeds that are trained, as an `Ensemble` where there are more than one.
    """
    import recurra as rc

    settings: dict[str, Any] = {
        "units": units, "bptt_length": steps, "batch_size": batch, "optimizer": "adam", "schedule": "constant",
        "clip_norm": None, "validation": 0.0, "warmup": 1,
    }  # fmt: skip
    kind = {"rnn": rc.RNN, "gru": rc.GRU, "lstm": rc.LSTM}[cell]
    one_batch = rows(steps, batch, inputs)
    start = kind(**settings, learning_rate=1e-30, epochs=1).fit(one_batch)  # steps too small to move a weight
    write_weights(folder, start.network_.model)
    losses = [e["loss"] for e in kind(**settings, learning_rate=1e-3, epochs=UPDATES).fit(one_batch).history_]
    data = rows(steps, windows, inputs)

    def fit(count: int) -> float:
        if members == 1:
            return seconds(lambda: kind(**settings, learning_rate=1e-3, epochs=count).fit(data))
        table = {**settings, "learning_rate": 1e-3, "epochs": count}
        return seconds(lambda: rc.Ensemble(of=cell, members=members, settings=table).fit(data))

    short, long = epochs
    first = fit(short)
    updates = (long - short) * (windows // batch)
    check = {"loss": losses[:1], "losses after updates": losses[1:]}
    return Entry(
        lambda: (fit(long) - fit(short)) / updates, check, first, {"warm fit, s": fit(short), "updates": updates}
    )
