"""One learner, with its default settings, on one channel of each of 131 chaotic systems.

python -m benchmarks.skill.dysts --data FILE --learner ng-rc      # every system that is not there yet
python -m benchmarks.skill.dysts --tables                         # nothing but the table in README.md
"""

import argparse
import gzip
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.skill.results import HOME, append, put, read, stamp

from recurra.errors import RecurraWarning
from recurra.estimators import LEARNERS
from recurra.metrics import smape, valid_prediction_time
from recurra.series import Series

TRAINED, AHEAD, THRESHOLD = 1000, 200, 0.4
SETTINGS = {"auto": {"budget": None, "trials": 40}}  # the same trials on every machine; the others as they are
LEFT_OUT = ("AtmosphericRegime", "LidDrivenCavityFlow")  # of which there are no published scores


def main() -> None:
    """Forecast what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.skill.dysts", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="FILE", help="JSON, or JSON in gzip: {system: {values: [1200]}}")
    parser.add_argument("--learner", choices=[*LEARNERS], metavar="NAME")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    if not args.tables:
        if args.data is None or args.learner is None:
            parser.error("--data and --learner are needed, or --tables")
        measure(args.learner, json.loads(opened(args.data)))
    write_table()


def opened(path: Path) -> bytes:
    """What is in a file, in gzip or not."""
    found = path.read_bytes()
    return gzip.decompress(found) if found[:2] == b"\x1f\x8b" else found


def measure(learner: str, data: dict[str, Any]) -> None:
    """Every system that has no row yet."""
    name = f"dysts-{learner}"
    done = {row["system"] for row in read(name)}
    for system in sorted(set(data) - done - set(LEFT_OUT)):
        row = forecast(learner, np.asarray(data[system]["values"], dtype=float))
        append(name, {"learner": learner, "system": system, **row, **stamp("dysts")})
        print(f"{system}: sMAPE {row['smape']:.1f}, {row['cpu']:.1f} s", flush=True)


def forecast(learner: str, values: np.ndarray) -> dict[str, Any]:
    """Fit to the first 1,000 rows and forecast the last 200, in raw units."""
    truth = values[TRAINED : TRAINED + AHEAD, None]
    began, used = time.perf_counter(), time.process_time()
    model = LEARNERS[learner].build(**SETTINGS.get(learner, {})).fit(Series(values[:TRAINED]))
    found = model.forecast(AHEAD).values
    scale = values[:TRAINED].std(keepdims=True)
    return {
        "smape": smape(truth, found),
        "valid": valid_prediction_time(truth, found, THRESHOLD, scale, 1.0),
        "seconds": round(time.perf_counter() - began, 2),
        "cpu": round(time.process_time() - used, 2),
        "nearest": smape(truth, model.baseline_forecasts(AHEAD)["nearest"].values) if learner == "auto" else None,
        "settings": _settings(model),
    }


def _settings(model: Any) -> dict[str, Any]:
    """What a learner chose, or what it was given; of a search how many of its members are of which kind."""
    if hasattr(model, "blend_"):
        kinds = [member.kind for member in model.network_.estimators]
        return {"trials": len(model.history_), "members": {kind: kinds.count(kind) for kind in sorted(set(kinds))}}
    return getattr(model, "chosen_", model.get_params())


def write_table() -> None:
    """Medians and means over the systems, of every learner that has rows."""
    lines = [
        "",
        "| learner | systems | sMAPE, median | sMAPE, mean | valid time, median (steps) | processor seconds, median |",
        "|---|---|---|---|---|---|",
    ]
    tables = {path.stem: read(path.stem) for path in HOME.glob("dysts-*.jsonl")}
    for rows in sorted(tables.values(), key=lambda rows: _median(row["smape"] for row in rows)):
        smapes = [row["smape"] for row in rows]
        times = (_median(row[name] for row in rows) for name in ("valid", "cpu"))
        lines.append(
            f"| {rows[0]['learner']} | {len(rows)} | {np.median(smapes):.1f} | {np.mean(smapes):.1f} | "
            + " | ".join(f"{each:.3g}" for each in times)
            + " |"
        )
    put("dysts", lines)


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore", RecurraWarning)  # a closed loop that runs away is a score like any other
    main()
