"""Sixteen networks from sixteen seeds, (B, T, I, H) = (32, 50, 3, 64): `Ensemble`, and PyTorch one after the other."""

from typing import Any

from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, number, ratio
from benchmarks.speed.training import TOLERANCES as TOLERANCES
from benchmarks.speed.training import torch_variants

TITLE = "Sixteen seeds"
MEMBERS, BATCHES = 16, 4
SHAPE = {"batch": 32, "steps": 50, "inputs": 3, "units": 64, "windows": 32 * BATCHES}
BARS = {"lstm": "2", "gru": "8"}


def run(run: Run) -> list[dict[str, Any]]:
    """Both cells."""
    found = []
    members = {"members": MEMBERS}
    for cell in (cell for cell in BARS if run.wants(f"16 seeds {cell}")):
        contenders = [
            Contender("recurra", "recurra", "training_recurra:build", options={**members, "epochs": (1, 4)}),
            Contender(
                "PyTorch",
                "torch",
                "training_torch:build",
                torch_variants(run.cpus, compiled=False, quick=run.quick),
                members,
            ),
        ]
        case = {**SHAPE, "cell": cell, "folder": run.folder(f"ensemble {cell}")}
        entries = run_case(run.pool, contenders, case, repeats=run.repeats(5), tolerances=TOLERANCES)
        found.append({"case": f"16 seeds {cell}", "cell": cell, "entries": entries})
        run.say(found[-1])
    return found


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Milliseconds of an update of all sixteen."""
    del limits, cpus
    lines = []
    for case in cases:
        ours, peer = case["entries"]["recurra"], case["entries"]["PyTorch"]
        lines.append([case["cell"], number(ours, 1e3), number(peer, 1e3), ratio(peer, ours), BARS[case["cell"]]])
    return [Table(["cell", "recurra, ms", "PyTorch, ms", "x PyTorch", "bar"], lines)]
