"""Lorenz-63, a million Runge-Kutta steps, beside adaptive solvers at the same error."""

from typing import Any

from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, number, ratio

TITLE = "Simulation"
TOLERANCES = {"states": 1e-4}
STEPS = 1_000_000
BAR = "20"


def run(run: Run) -> list[dict[str, Any]]:
    """One case."""
    methods = tuple({"method": method} for method in ("RK45", "DOP853", "LSODA"))
    contenders = [
        Contender("recurra", "recurra", "simulation_entries:recurra"),
        Contender("SciPy", "scipy", "simulation_entries:scipy", methods),
        Contender("dysts", "dysts", "simulation_entries:dysts", methods),
    ]
    case = {"steps": STEPS, "folder": run.folder("lorenz")}
    entries = run_case(run.pool, contenders, case, repeats=run.repeats(5), tolerances=TOLERANCES)
    found = {"case": "Lorenz-63", "steps": STEPS, "entries": entries}
    run.say(found)
    return [found]


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Seconds of a million steps."""
    del limits, cpus
    entries = cases[0]["entries"]
    ours, scipy, dysts = (entries[name] for name in ("recurra", "SciPy", "dysts"))
    head = ["recurra, s for 1,000,000 steps", "SciPy, s", "dysts, s", "x SciPy", "x dysts", "bar"]
    line = [*(number(entry, STEPS) for entry in (ours, scipy, dysts)), ratio(scipy, ours), ratio(dysts, ours), BAR]
    return [Table(head, [line])]
