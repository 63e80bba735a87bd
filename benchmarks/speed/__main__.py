"""The command: measure, write `benchmarks/results/*.json` and the tables of `docs/performance.md`."""

import argparse
import json
import sys
import time
from importlib import import_module
from typing import Any

from benchmarks.speed import limits
from benchmarks.speed.pool import ROOT, Pool
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, write

GROUPS = ["training", "kernels", "curvature", "example", "reservoirs", "readout", "ensembles", "simulation"]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    """Run the groups that are asked for."""
    options = _options()
    with Pool(options.threads) as pool:
        run = Run(pool, options.quick, options.match)
        machine = limits.machine(pool.cpus)
        for name in options.only or GROUPS:
            group, start = import_module(f"benchmarks.speed.{name}"), time.time()
            bounds = limits.measure(run.cpus, pool.folder)
            print(f"{name}: {json.dumps(machine)} {json.dumps(bounds)}", file=sys.stderr, flush=True)
            cases = group.run(run)
            result = {
                "schema": "recurra-bench/1",
                "group": name,
                "title": group.TITLE,
                "machine": machine,
                "limits": bounds,
                "versions": pool.versions(),
                "options": {"threads": run.cpus, "quick": options.quick, "tolerances": group.TOLERANCES},
                "seconds": round(time.time() - start, 1),
                "cases": cases,
            }
            print(json.dumps(result["versions"]), file=sys.stderr, flush=True)
            if options.dry:
                continue
            RESULTS.mkdir(exist_ok=True)
            if options.match:
                result = merged(json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")), result)
            (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            _write(name, result)
    return 0


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """An earlier result with some of its cases measured again.

    Raises:
        SystemExit: it is of another machine, or of other versions.
    """
    for key in ("machine", "versions"):
        known = old[key] if key == "machine" else {name: old[key].get(name) for name in new[key]}
        if known != new[key]:
            raise SystemExit(f"{new['group']}: the {key} are others than those of the file: measure the whole group")
    again = {case["case"]: case for case in new["cases"]}
    kept = [again.pop(case["case"], case) for case in old["cases"]]
    return {**old, "cases": [*kept, *again.values()], "seconds": round(old["seconds"] + new["seconds"], 1)}


def _write(name: str, result: dict[str, Any]) -> None:
    """The tables of a group, and what has no number and why."""
    group = import_module(f"benchmarks.speed.{name}")
    tables: list[Table] = group.tables(result["cases"], result["limits"], result["machine"]["cpus"])
    text = [_heading(result), *(table.markdown() for table in tables), *_gaps(result["cases"])]
    write(PAGE, name, "\n\n".join(text))


def _heading(result: dict[str, Any]) -> str:
    machine, packages = result["machine"], {}
    for found in result["versions"].values():
        packages |= found
    versions = ", ".join(
        f"{package} {version}" for package, version in sorted(packages.items(), key=lambda p: p[0].lower())
    )
    sets = " ".join(machine["instruction_sets"])
    return f"{machine['cpus']} CPUs of {machine['processor']} ({sets}); {versions}."


def _gaps(cases: list[dict[str, Any]]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for case in cases:
        for name, entry in case["entries"].items():
            if "reason" in entry:
                reasons.setdefault(f"{name}: {entry['reason']}", []).append(case["case"])
    return [f"Not measured: {reason} ({', '.join(found)})." for reason, found in reasons.items()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=GROUPS,
        metavar="GROUP",
        help=f"one of {', '.join(GROUPS)}; may be given again",
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--threads", type=int, help="CPUs that the libraries may use; all by default")
    parser.add_argument(
        "--match",
        default="",
        metavar="TEXT",
        help="only cases with it in their names, in place of those in the file",
    )
    parser.add_argument("--dry", action="store_true", help="write no file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
