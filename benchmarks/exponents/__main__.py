"""Measure the Lyapunov exponents of the built-in systems, and write the table that the package ships.

python -m benchmarks.exponents                    # whatever is missing; an hour of one core in all
python -m benchmarks.exponents --again lorenz63   # rows of these systems anew
python -m benchmarks.exponents --table            # nothing but the table of README.md
"""

import argparse
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from benchmarks import marked

from recurra.diagnostics import kaplan_yorke_dimension, lyapunov_spectrum
from recurra.diagnostics.step_maps import step_map
from recurra.systems import catalogue
from recurra.systems.system import System

TABLE = Path(__file__).parents[2] / "src" / "recurra" / "systems" / "reference_exponents.json"
README = Path(__file__).parent / "README.md"
RUNS = 20
_WAVES = "Fourier modes, dealiased, ETDRK4 with steps of 1/{}"
_RK4 = "Runge-Kutta of order 4, four steps a row"


@dataclass(frozen=True)
class Row:
    """One system.

    Args:
        system, parameters: which.
        steps, transient: of the step map, in each run.
        method: in words.
        dt, count, qr_every: as of `lyapunov_spectrum`.
    """

    system: str
    steps: int
    transient: int
    method: str = _RK4
    parameters: dict[str, Any] = field(default_factory=dict)
    dt: float | None = None
    count: int | None = None
    qr_every: int = 1

    def make(self) -> System:
        """The system."""
        return catalogue()[self.system](**self.parameters)


def _waves(length: float, points: int, steps: int, count: int, fine: int) -> Row:
    parameters = {"length": length, "points": points, "substep": 1 / fine}
    return Row("kuramoto-sivashinsky", steps, 2000, _WAVES.format(fine), parameters, dt=0.25, count=count)


_ITERATED, _DELAYS = "iterated", "Runge-Kutta of order 4, steps of 0.1, Hermite interpolation of what is delayed"
PLAN = (
    Row("logistic-map", 1_000_000, 1000, _ITERATED),
    Row("henon-map", 1_000_000, 1000, _ITERATED),
    Row("lorenz63", 240_000, 5000, dt=0.02),
    Row("rossler", 240_000, 20_000, dt=0.05),
    Row("damped-oscillator", 48_000, 20_000, dt=0.05),
    Row("pendulum", 48_000, 20_000, dt=0.05),
    Row("van-der-pol", 48_000, 20_000, dt=0.05),
    Row("duffing", 240_000, 20_000, dt=0.05),
    Row("lorenz96", 24_000, 1000, dt=0.05, count=40),
    Row("lorenz96", 24_000, 1000, parameters={"sites": 36}, dt=0.05, count=36),
    *(Row("mackey-glass", 9600, 1000, _DELAYS, {"tau": tau}, count=6) for tau in (17.0, 23.0, 30.0)),
    _waves(22.0, 64, 48_000, 12, 16),
    _waves(60.0, 128, 19_200, 24, 8),
    _waves(100.0, 256, 9600, 36, 8),
    _waves(200.0, 512, 4800, 64, 8),
    Row("lorenz96", 24_000, 1000, parameters={"forcing": 10.0}, dt=0.05, count=40),
)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.exponents", description=__doc__.splitlines()[0])
    parser.add_argument("--again", nargs="*", default=[], metavar="SYSTEM", help="systems to measure anew")
    parser.add_argument("--table", action="store_true", help="write the table of README.md, and end")
    args = parser.parse_args()
    rows = json.loads(TABLE.read_text())["rows"] if TABLE.exists() else []
    for planned in () if args.table else PLAN:
        named = {"system": planned.system, "parameters": planned.make().parameters}
        found = next((row for row in rows if named == {key: row[key] for key in named}), None)
        if found is None or planned.system in args.again:
            rows = [row for row in rows if row is not found] + [measure(planned)]
            print(json.dumps(rows[-1]), flush=True)
            TABLE.write_text(json.dumps({"command": "python -m benchmarks.exponents", "rows": rows}, indent=1) + "\n")
    write_table(rows)


def measure(planned: Row) -> dict[str, Any]:
    """Twenty runs from starts of their own, side by side."""
    began = time.perf_counter()
    system = planned.make()
    maps = [step_map(system, dt=planned.dt, seed=seed) for seed in range(RUNS)]
    starts = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *(m.start for m in maps))
    numbers = {"steps": planned.steps, "transient": planned.transient, "count": planned.count}
    found = lyapunov_spectrum(maps[0].step, starts, dt=maps[0].dt, qr_every=planned.qr_every, many=True, **numbers)
    runs = found.parts.mean(axis=1)
    exponents, errors = runs.mean(axis=0), runs.std(axis=0, ddof=1) / np.sqrt(RUNS)
    nothing = 3 * errors + 1e-5  # else a zero that came out as -1e-6 would take a dimension away
    return {
        "system": planned.system,
        "parameters": system.parameters,
        "exponents": [float(f"{value:.7g}") for value in exponents],
        "errors": [float(f"{value:.3g}") for value in errors],
        "size": found.size,
        "dimension": kaplan_yorke_dimension(np.where(np.abs(exponents) < nothing, 0.0, exponents), found.size),
        "runs": RUNS,
        "seeds": list(range(RUNS)),
        "time": found.time,
        "transient": planned.transient * maps[0].dt,
        "step": maps[0].dt,
        "method": planned.method,
        "seconds": round(time.perf_counter() - began),
        "made": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in ("recurra", "numpy", "jax", "jaxlib")},
    }


def write_table(rows: list[dict[str, Any]]) -> None:
    """Put the table between its marks in the README."""
    lines = ["| system | parameters | exponents | dimension | time units a run | method |", "|---|---|---|---|---|---|"]
    for row in rows:
        shown = [f"{x:.4f} ± {e:.1g}" for x, e in zip(row["exponents"], row["errors"], strict=True)][:6]
        more = "" if len(row["exponents"]) <= 6 else f", ... ({len(row['exponents'])} in all)"
        parameters = ", ".join(f"{name} {_short(value)}" for name, value in row["parameters"].items())
        dimension = "" if row["dimension"] is None else f"{row['dimension']:.3f}"
        cells = [row["system"], parameters, ", ".join(shown) + more, dimension, f"{row['time']:,.0f}", row["method"]]
        lines.append(f"| {' | '.join(cells)} |")
    marked.put(README, "table", lines)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
