"""Make the golden files of a format: `python tests/golden/make.py tests/golden/format-1`.

One small model of each learner as this version saves it, and what it forecasts. Made once a format, with the version
that introduced it, and never again: every later version has to read them and forecast the same.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import recurra as rc

ROWS, STEPS = 160, 30
NETWORK = {"units": 6, "epochs": 20, "bptt_length": 8, "horizon": 10, "origins": 4, "seed": 3}
MODELS: dict[str, tuple[Any, bool]] = {  # name -> (unfitted, driven)
    "persistence": (lambda: rc.Persistence(), False),
    "linear": (lambda: rc.Linear(max_order=4, horizon=20), True),
    "esn": (lambda: rc.ESN(units=30, washout=20, horizon=20, origins=4, leak=0.7, lags=2, seed=3), True),
    "esn-increment": (lambda: rc.ESN(units=20, washout=20, ridge=1e-6, increment=True, seed=3), False),
    "rnn": (lambda: rc.RNN(**NETWORK), False),
    "rnn-relu": (lambda: rc.RNN(**NETWORK, activation="relu", layers=2), True),
    "gru": (lambda: rc.GRU(**NETWORK), True),
    "lstm": (lambda: rc.LSTM(**NETWORK, increment=True), True),
}


def wave(first: int, rows: int, *, driven: bool) -> rc.Series:
    """Two channels on dates a minute apart, in closed form; with a drive where the model has one."""
    t = np.arange(first, first + rows)
    times = np.datetime64("2024-03-01T00:00", "ns") + t * np.timedelta64(60, "s")
    u = rc.Series(np.cos(0.23 * t), times=times, channels=["F"], units=["N"])
    values = np.stack([np.sin(0.3 * t) + 0.3 * np.sin(0.71 * t + 1), 5 + 2 * np.cos(0.3 * t)], axis=1)
    return rc.Series(values, times=times, channels=["x", "v"], units=["m", ""], inputs=u if driven else None)


def forecasts(model: Any, *, driven: bool) -> dict[str, list[list[float]]]:
    """What a model says: after its training, after another history, and one step ahead."""
    later, other = (wave(at, STEPS, driven=driven).inputs for at in (ROWS, 1060))
    return {
        "closed_loop": model.forecast(STEPS, inputs=later).values.tolist(),
        "other_history": model.forecast(STEPS, wave(1000, 60, driven=driven), other).values.tolist(),
        "one_step": model.predict(wave(ROWS, STEPS, driven=driven)).values.tolist(),
    }


def main(folder: Path) -> None:
    """Write every model, and `forecasts.json` beside them."""
    folder.mkdir(parents=True)
    found = {}
    for name, (build, driven) in MODELS.items():
        model = build().fit(wave(0, ROWS, driven=driven))
        model.save(folder / f"{name}.safetensors")
        found[name] = forecasts(model, driven=driven)
    (folder / "forecasts.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
