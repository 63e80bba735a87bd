"""Readouts of echo state networks: ridge regression, memory, and a whole fit with 20 strengths."""

import subprocess
import sys
from typing import Any

from benchmarks.speed.measure import Contender, run_case
from benchmarks.speed.pool import ROOT, environment
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, digits, number, ratio

TITLE = "Readouts"
TOLERANCES = {"coefficients": 1e-4, "one-step forecasts": 1e-4}
ROWS = 10_000
SIZES = [300, 1000, 2000, 5000]
STORED = [300, 1000]  # sizes at which the singular values of all stored states are found
LENGTHS = [10_000, 40_000]  # rows of the fits whose memory is compared
STRENGTHS = 20
BARS = {"svd": {1000: "3"}, "fit": "8"}


def run(run: Run) -> list[dict[str, Any]]:
    """Ridge regressions by size, the peak of memory, and the whole fit."""
    sizes = [units for units in SIZES if units < 5000] if run.quick else SIZES
    found = [_ridge(run, units) for units in sizes if run.wants(f"ridge {units}")]
    found += [_memory()] if run.wants("memory") else []
    return [*found, *([_fit(run)] if run.wants("fit 2000") else [])]


def _ridge(run: Run, units: int) -> dict[str, Any]:
    threads = tuple({"threads": count} for count in (sorted({1, run.cpus}) if units < 2000 else [run.cpus]))
    ours = [("recurra QR", "QR"), ("recurra Gram", "Gram")][units > 2000 :]
    peers = [("ReservoirPy", "reservoirpy"), ("PyRCN", "pyrcn"), ("scikit-learn", "sklearn")]
    peers += [("SVD", "scipy")] if units in STORED else []
    contenders = [
        *(Contender(name, "recurra", "reservoirs_recurra:ridge", threads, {"way": way}) for name, way in ours),
        *(Contender(name, library, "readout_peers:ridge", threads, {"way": name}) for name, library in peers),
    ]
    case = {"units": units, "rows": ROWS}
    repeats = run.repeats(5 if units < 2000 else 2)
    arguments = {**case, "folder": run.folder(f"ridge {units}")}
    entries = run_case(run.pool, contenders, arguments, repeats=repeats, tolerances=TOLERANCES)
    done = {"case": f"ridge {units}", "kind": "ridge", **case, "entries": entries}
    run.say(done)
    return done


def _memory() -> dict[str, Any]:
    """Peak memory of a fit of 1,000 units for two lengths of the data."""
    found = {}
    for rows in LENGTHS:
        command = [sys.executable, "-m", "benchmarks.speed.memory", "1000", str(rows)]
        done = subprocess.run(command, cwd=ROOT, env=environment("recurra"), capture_output=True, text=True, check=True)
        found[str(rows)] = float(done.stdout)
    print(f"peak memory, MB: {found}", file=sys.stderr)
    return {"case": "memory", "kind": "memory", "units": 1000, "MB": found, "entries": {}}


def _fit(run: Run) -> dict[str, Any]:
    contenders = [
        Contender("recurra", "recurra", "reservoirs_recurra:fit"),
        Contender("ReservoirPy", "reservoirpy", "reservoirs_peers:fit"),
    ]
    case = {"units": 2000, "rows": ROWS, "strengths": STRENGTHS}
    arguments = {**case, "folder": run.folder("fit")}
    entries = run_case(run.pool, contenders, arguments, repeats=1 if run.quick else 2, tolerances=TOLERANCES)
    done = {"case": "fit 2000", "kind": "fit", **case, "entries": entries}
    run.say(done)
    return done


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Milliseconds of a readout, peak memory, seconds of a fit."""
    del limits, cpus
    names = ["recurra QR", "recurra Gram", "ReservoirPy", "PyRCN", "scikit-learn", "SVD"]
    lines = []
    for case in (case for case in cases if case["kind"] == "ridge"):
        found = [case["entries"].get(name, {}) for name in names]
        cells = [number(entry, 1e3) for entry in found]
        bar = BARS["svd"].get(case["units"], "-")
        lines.append([str(case["units"]), *cells, ratio(found[2], found[1]), ratio(found[5], found[0]), bar])
    head = ["N", *(f"{name}, ms" for name in names), "Gram: x ReservoirPy", "QR: x SVD", "bar"]
    memory = next(case for case in cases if case["kind"] == "memory")
    peaks = [digits(memory["MB"][str(rows)]) for rows in LENGTHS]
    more = digits(8 * memory["units"] * (LENGTHS[1] - LENGTHS[0]) / 2**20)
    fit = next(case for case in cases if case["kind"] == "fit")
    ours, peer = (fit["entries"][name] for name in ("recurra", "ReservoirPy"))
    return [
        Table(head, lines),
        Table(
            [f"peak memory of a fit, N = 1000, MB, T = {rows}" for rows in LENGTHS]
            + ["the states of the other rows, MB"],
            [[*peaks, more]],
        ),
        Table(
            ["fit, N = 2000, T = 10000: recurra, s", "ReservoirPy, s", "x ReservoirPy", "bar"],
            [[number(ours), number(peer), ratio(peer, ours), BARS["fit"]]],
        ),
    ]
