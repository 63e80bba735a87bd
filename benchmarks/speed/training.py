"""Training steps of recurrent networks: forward pass, backpropagation through time, Adam; float32, squared error."""

from dataclasses import dataclass
from typing import Any

from benchmarks.speed.limits import peak
from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, number, ratio, share
from benchmarks.speed.training_cases import flops

TITLE = "Training step"
TOLERANCES = {"loss": 1e-5, "losses after updates": 1e-3}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Shape:
    """B, T, I, H; batches of an epoch; epochs of the short and the long fit, of recurra and of Keras."""

    batch: int
    steps: int
    inputs: int
    units: int
    batches: int
    epochs: tuple[int, int]
    keras_epochs: tuple[int, int]

    def __str__(self) -> str:
        return f"({self.batch}, {self.steps}, {self.inputs}, {self.units})"


SHAPES = [
    Shape(16, 4, 1, 32, 100, (20, 60), (1, 3)),
    Shape(32, 50, 3, 64, 30, (1, 5), (1, 3)),
    Shape(32, 100, 3, 128, 12, (1, 4), (1, 3)),
    Shape(64, 200, 8, 256, 2, (1, 3), (1, 3)),
    Shape(1, 1000, 3, 128, 10, (1, 3), (1, 3)),
]
BARS = {
    "(16, 4, 1, 32)": {"rnn": 20, "gru": 20, "lstm": 15},
    "(32, 50, 3, 64)": {"rnn": 5, "gru": 6, "lstm": 2},
    "(32, 100, 3, 128)": {"rnn": 4, "gru": 4, "lstm": 1.5},
    "(64, 200, 8, 256)": {"rnn": 2, "gru": 2, "lstm": 1.5},
    "(1, 1000, 3, 128)": {"rnn": 15, "gru": 15, "lstm": 1.2},
}


def torch_variants(cpus: int, *, compiled: bool, quick: bool) -> tuple[dict[str, Any], ...]:
    """Threads and forms of Adam; `torch.compile` where it is tried."""
    forms = ("fused",) if quick else ("plain", "foreach", "fused")
    ways: list[dict[str, Any]] = [{"threads": threads, "adam": adam} for threads in sorted({1, cpus}) for adam in forms]
    return (*ways, *([{"threads": 1, "adam": "fused", "compiled": True}] if compiled else []))


def contenders(shape: Shape, cpus: int, *, quick: bool) -> list[Contender]:
    """recurra and its peers at one shape."""
    small = shape.units <= 32  # where calls count, not arithmetic
    ways = torch_variants(cpus, compiled=small and not quick, quick=quick)
    at_once = ({"at_once": shape.batches},)
    keras = {"epochs": shape.keras_epochs}
    return [
        Contender("recurra", "recurra", "training_recurra:build", options={"epochs": shape.epochs}),
        Contender("PyTorch", "torch", "training_torch:build", ways),
        Contender("Keras, TensorFlow", "keras-tensorflow", "training_keras:build", at_once, keras),
        Contender("Keras, JAX", "keras-jax", "training_keras:build", at_once, keras),
    ]


def run(run: Run) -> list[dict[str, Any]]:
    """Every shape with every cell."""
    found = []
    for shape in SHAPES:
        for cell in GATES:
            if not run.wants(f"{shape} {cell}"):
                continue
            case = {
                "cell": cell, "batch": shape.batch, "steps": shape.steps, "inputs": shape.inputs, "units": shape.units,
                "windows": shape.batch * shape.batches, "folder": run.folder(f"{shape} {cell}"),
            }  # fmt: skip
            repeats = run.repeats(3 if shape.units == 256 else 5)
            lines = contenders(shape, run.cpus, quick=run.quick)
            entries = run_case(run.pool, lines, case, repeats=repeats, tolerances=TOLERANCES)
            work = flops(shape.batch, shape.steps, shape.inputs, shape.units, GATES[cell])
            found.append(
                {"case": f"{shape} {cell}", "shape": str(shape), "cell": cell, "flops": work, "entries": entries}
            )
            run.say(found[-1])
    return found


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Microseconds of an update; ratios and bars; shares of the peak."""
    most = peak(limits, cpus)
    head = [
        "(B, T, I, H)", "cell", "recurra, µs", "PyTorch, µs", "Keras-TF, µs", "Keras-JAX, µs", "x PyTorch", "bar",
        "x Keras-TF", "x Keras-JAX", "recurra, of peak", "PyTorch, of peak", "first fit, s",
    ]  # fmt: skip
    lines = []
    for case in cases:
        entries = case["entries"]
        ours = entries["recurra"]
        peers = [entries.get(name, {}) for name in ("PyTorch", "Keras, TensorFlow", "Keras, JAX")]
        lines.append(
            [
                case["shape"],
                case["cell"],
                *(number(entry, 1e6) for entry in (ours, *peers)),
                ratio(peers[0], ours),
                f"{BARS[case['shape']][case['cell']]:g}",
                *(ratio(peer, ours) for peer in peers[1:]),
                *(share(entry, case["flops"], most) for entry in (ours, peers[0])),
                f"{ours['first']['default']:.2f}" if "first" in ours else "-",
            ]
        )
    return [Table(head, lines)]
