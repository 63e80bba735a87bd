"""Gauss-Newton products at a fixed linearisation, as Hessian-free optimisation takes many of; float32, last step."""

from typing import Any

from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, number, ratio

TITLE = "Gauss-Newton product"
TOLERANCES = {"loss": 1e-5, "product": 1e-4}
SHAPES = [  # cell, (B, T, I, H), outputs, loss
    ("rnn", (1000, 50, 2, 100), 1, "squared error"),
    ("gru", (256, 50, 2, 64), 10, "softmax"),
    ("lstm", (256, 50, 2, 64), 10, "softmax"),
]
BARS = {"gradients": 1.5, "PyTorch": 4}  # at most, and at least


def run(run: Run) -> list[dict[str, Any]]:
    """Every network."""
    found = []
    for cell, shape, outputs, loss in SHAPES:
        name = f"{shape} {cell}"
        if not run.wants(name):
            continue
        sizes = dict(zip(("batch", "steps", "inputs", "units"), shape, strict=True))
        case = {"cell": cell, **sizes, "outputs": outputs, "loss": loss, "folder": run.folder(name)}
        threads = tuple({"threads": count} for count in sorted({1, run.cpus}))
        contenders = [
            Contender("recurra", "recurra", "curvature_recurra:product"),
            Contender("recurra, gradient", "recurra", "curvature_recurra:gradient"),
            Contender("PyTorch", "torch", "curvature_torch:product", threads),
        ]
        entries = run_case(run.pool, contenders, case, repeats=run.repeats(9), tolerances=TOLERANCES)
        found.append({"case": name, "shape": str(shape), "cell": cell, "loss": loss, "entries": entries})
        run.say(found[-1])
    return found


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Microseconds of a product and of a gradient of the same loss; ratios and bars."""
    del limits, cpus
    head = [
        "(B, T, I, H)", "cell", "loss", "product, µs", "gradient, µs", "product in gradients", "bar",
        "PyTorch's product, µs", "x PyTorch", "bar",
    ]  # fmt: skip
    lines = []
    for case in cases:
        ours, slope, peer = (case["entries"][name] for name in ("recurra", "recurra, gradient", "PyTorch"))
        times = number(ours, 1e6), number(slope, 1e6)
        lines.append(
            [case["shape"], case["cell"], case["loss"], *times, ratio(ours, slope), f"{BARS['gradients']:g}",
             number(peer, 1e6), ratio(peer, ours), f"{BARS['PyTorch']:g}"]
        )  # fmt: skip
    return [Table(head, lines)]
