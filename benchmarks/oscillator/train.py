"""Networks trained on pieces of the van der Pol oscillator, and what they oscillate like when they run free.

Trained on 12 pieces of 20 time units (201 rows) that start all over the plane; then 100 periods and more in closed
loop from the limit cycle, and from two states far from it. Errors are relative to the limit cycle of the equation.

    python benchmarks/oscillator/train.py > benchmarks/oscillator/results.jsonl
"""

import json
import time
from typing import Any

import numpy as np

import recurra as rc
from recurra.metrics import Oscillation, oscillation

DT, CYCLES = 0.1, 100
BPTT = {
    "bptt_length": 20,
    "stride": 4,
    "epochs": 1000,
    "increment": True,
    "learning_rate": 0.01,
    "final_learning_rate": 1e-4,
    "validation": 0.0,
    "warmup": 30,
    "precision": "float64",
}
NETWORKS: dict[str, Any] = {
    "esn": lambda seed: rc.ESN(units=100, spectral_radius=0.5, input_scaling=0.5, washout=20, warmup=40, seed=seed),
    "rnn": lambda seed: rc.RNN(units=16, **BPTT, seed=seed),
    "gru": lambda seed: rc.GRU(units=12, **BPTT, seed=seed),
}


def simulated(start: Any, steps: int) -> rc.Series:
    """The equation from a start (x, x')."""
    return rc.systems.VanDerPol().simulate(steps=steps, dt=DT, method="rk4", initial=start)


def errors(found: Oscillation, true: Oscillation) -> dict[str, float]:
    """Relative errors of the mean and of the worst cycle."""
    periods, amplitudes = found.periods / true.period - 1, found.amplitudes / true.amplitude - 1
    return {
        "cycles": len(periods),
        "period": float(periods.mean()),
        "worst_period": float(np.abs(periods).max()),
        "amplitude": float(amplitudes.mean()),
        "worst_amplitude": float(np.abs(amplitudes).max()),
    }


def main() -> None:
    """One line for each network and seed."""
    rng = np.random.default_rng(0)
    pieces = [simulated(rng.uniform(-3, 3, 2), 200) for _ in range(12)]
    cycle = simulated([2.0, 0.0], 1500)
    true = oscillation(cycle.values[300:, 0], DT)
    away = [simulated(start, 60) for start in ([0.1, 0.1], [3.0, 3.0])]
    for name, build in NETWORKS.items():
        for seed in (0, 1):
            begun = time.process_time()
            model = build(seed).fit(pieces)
            seconds = time.process_time() - begun
            free = model.forecast(int((CYCLES + 5) * true.period / DT), history=cycle[:300])
            line = {"network": name, "seed": seed, "cpu_seconds": round(seconds, 1)}
            line |= errors(oscillation(free.values[:, 0], DT), true)
            back = [oscillation(model.forecast(1200, history=each).values[500:, 0], DT) for each in away]
            line["disturbed"] = [errors(each, true) for each in back]
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
