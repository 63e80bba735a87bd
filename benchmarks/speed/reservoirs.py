"""Echo state networks: harvest of states, closed loop, many reservoirs; in-degree 10, three inputs."""

from typing import Any

from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, number, ratio

TITLE = "Echo state networks"
TOLERANCES = {"states": 1e-4, "forecast": 1e-3}
SIZES = [100, 300, 1000, 2000, 5000]
DENSE = [100, 300, 1000, 2000]
ROWS = {100: 10_000, 300: 10_000, 1000: 10_000, 2000: 5000, 5000: 3000}
DENSE_ROWS = {100: 5000, 300: 3000, 1000: 1000, 2000: 300}
LOOPS = [300, 1000, 5000]
BARS = {
    "sparse": {300: ("5", "8"), 1000: ("3", "4"), 5000: ("1.4", "2.5")},  # float64, float32
    "k-shift": {300: "30", 1000: "15", 5000: "8"},
    "loop": {300: "8", 1000: "3"},
    "many": "8",
}
OURS = "reservoirs_recurra"
PEERS = "reservoirs_peers"


def run(run: Run) -> list[dict[str, Any]]:
    """Sparse, k-shift and dense reservoirs, the closed loop, many at once."""
    found = [_harvest(run, units, "random") for units in SIZES if run.wants(f"sparse {units}")]
    found += [_harvest(run, units, "k-shift") for units in SIZES if run.wants(f"k-shift {units}")]
    found += [_dense(run, units) for units in DENSE if run.wants(f"dense {units}")]
    found += [_loop(run, units) for units in (LOOPS[:2] if run.quick else LOOPS) if run.wants(f"loop {units}")]
    return [*found, *([_many(run)] if run.wants("many 500") else [])]


def _case(run: Run, kind: str, case: dict[str, Any], contenders: list[Contender], repeats: int) -> dict[str, Any]:
    name = f"{kind} {case['units']}"
    arguments = {**case, "folder": run.folder(name)}
    entries = run_case(run.pool, contenders, arguments, repeats=run.repeats(repeats), tolerances=TOLERANCES)
    done = {"case": name, "kind": kind, **case, "entries": entries}
    run.say(done)
    return done


def _harvest(run: Run, units: int, topology: str) -> dict[str, Any]:
    case = {"units": units, "rows": ROWS[units], "topology": topology, "dense": False}
    single = {"precision": "float32"}
    contenders = [
        Contender("recurra float64", "recurra", f"{OURS}:harvest"),
        Contender("recurra float32", "recurra", f"{OURS}:harvest", options=single),
        Contender("ReservoirPy float64", "reservoirpy", f"{PEERS}:harvest"),
    ]
    if topology == "random":
        contenders += [
            Contender("ReservoirPy float32", "reservoirpy", f"{PEERS}:harvest", options=single),
            Contender("PyRCN float64", "pyrcn", f"{PEERS}:harvest_pyrcn"),
        ]
    return _case(run, "sparse" if topology == "random" else topology, case, contenders, 7 if units < 2000 else 5)


def _dense(run: Run, units: int) -> dict[str, Any]:
    case = {"units": units, "rows": DENSE_ROWS[units], "topology": "random", "dense": True}
    threads = tuple({"threads": count} for count in sorted({1, run.cpus}))
    stores = tuple({"store": store, **each} for store in ("array",) for each in threads)
    single = {"precision": "float32"}
    contenders = [
        Contender("recurra float64", "recurra", f"{OURS}:harvest", stores),
        Contender("recurra float32", "recurra", f"{OURS}:harvest", stores, single),
        Contender("ReservoirPy float64", "reservoirpy", f"{PEERS}:harvest", threads),
        Contender("ReservoirPy float32", "reservoirpy", f"{PEERS}:harvest", threads, single),
        Contender("PyRCN float64", "pyrcn", f"{PEERS}:harvest_pyrcn", threads),
    ]
    return _case(run, "dense", case, contenders, 5)


def _loop(run: Run, units: int) -> dict[str, Any]:
    contenders = [
        Contender("recurra float64", "recurra", f"{OURS}:closed_loop"),
        Contender("recurra float32", "recurra", f"{OURS}:closed_loop", options={"precision": "float32"}),
        Contender("ReservoirPy float64", "reservoirpy", f"{PEERS}:closed_loop", ({"way": "model"}, {"way": "nodes"})),
    ]
    return _case(run, "loop", {"units": units, "steps": 3000}, contenders, 5)


def _many(run: Run) -> dict[str, Any]:
    blocks = ({"block": 250}, {"block": 1000})
    contenders = [
        Contender("recurra float64", "recurra", f"{OURS}:many", blocks),
        Contender("recurra float32", "recurra", f"{OURS}:many", blocks, {"precision": "float32"}),
        Contender("ReservoirPy float64", "reservoirpy", f"{PEERS}:many"),
    ]
    return _case(run, "many", {"members": 64, "units": 500, "rows": 1000}, contenders, 3)


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Microseconds of a step, and ratios to ReservoirPy in float64."""
    del limits, cpus
    of = {
        kind: [case for case in cases if case["kind"] == kind]
        for kind in ("sparse", "k-shift", "dense", "loop", "many")
    }
    head = [
        "recurra float64, µs", "float32", "ReservoirPy float64", "float32", "PyRCN", "float64: x ReservoirPy", "bar",
        "float32: x ReservoirPy", "bar",
    ]  # fmt: skip
    return [
        Table(
            ["sparse N", *head], [_line(case, *BARS["sparse"].get(case["units"], ("-", "-"))) for case in of["sparse"]]
        ),
        Table(
            ["k-shift N", *head], [_line(case, "-", BARS["k-shift"].get(case["units"], "-")) for case in of["k-shift"]]
        ),
        Table(["dense N", *head], [_line(case, "-", "-") for case in of["dense"]]),
        Table(
            ["closed loop, N", *head], [_line(case, BARS["loop"].get(case["units"], "-"), "-") for case in of["loop"]]
        ),
        Table(["64 reservoirs, N", *head], [_line(case, "-", BARS["many"]) for case in of["many"]]),
    ]


def _line(case: dict[str, Any], double: str, single: str) -> list[str]:
    entries = case["entries"]
    names = ("recurra float64", "recurra float32", "ReservoirPy float64", "ReservoirPy float32", "PyRCN float64")
    found = [entries.get(name, {}) for name in names]
    cells = [number(entry, 1e6) for entry in found]
    return [str(case["units"]), *cells, ratio(found[2], found[0]), double, ratio(found[2], found[1]), single]
