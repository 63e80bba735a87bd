"""One recurrent layer alone, forward and backward, on one thread, as a share of that thread's multiply-adds."""

from typing import Any

from benchmarks.speed.limits import peak
from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, number, ratio, share
from benchmarks.speed.training import GATES

TITLE = "Kernels on one thread"
TOLERANCES = {"outputs": 1e-4, "gradient of U": 1e-4, "gradient of W": 1e-4}
SHAPES = [(32, 50, 3, 64), (32, 100, 3, 128), (64, 200, 8, 256)]
BARS = {"rnn": "45 %", "gru": "50 %", "lstm": "50 %"}


def run(run: Run) -> list[dict[str, Any]]:
    """Every shape with every cell, float32."""
    found = []
    for shape in SHAPES:
        for cell in GATES:
            if not run.wants(f"{shape} {cell}"):
                continue
            sizes = dict(zip(("batch", "steps", "inputs", "units"), shape, strict=True))
            case = {"cell": cell, **sizes, "precision": "float32"}
            contenders = [
                Contender("recurra", "recurra", "kernels_entries:recurra"),
                Contender("PyTorch", "torch", "kernels_entries:torch"),
            ]
            entries = run_case(run.pool, contenders, case, repeats=run.repeats(5), tolerances=TOLERANCES)
            batch, steps, inputs, units = shape
            work = 3 * 2 * batch * steps * GATES[cell] * units * (units + inputs + 1)
            found.append(
                {"case": f"{shape} {cell}", "shape": str(shape), "cell": cell, "flops": work, "entries": entries}
            )
            run.say(found[-1])
    return found


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Microseconds, shares of the peak of one thread, and bars."""
    del cpus
    most, lines = peak(limits, 1), []
    for case in cases:
        ours, peer = case["entries"]["recurra"], case["entries"]["PyTorch"]
        shares = [share(entry, case["flops"], most) for entry in (ours, peer)]
        times = [number(entry, 1e6) for entry in (ours, peer)]
        lines.append([case["shape"], case["cell"], *times, ratio(peer, ours), *shares, BARS[case["cell"]]])
    head = [
        "(B, T, I, H)",
        "cell",
        "recurra, µs",
        "PyTorch, µs",
        "x PyTorch",
        "recurra, of peak",
        "PyTorch, of peak",
        "bar",
    ]
    return [Table(head, lines)]
