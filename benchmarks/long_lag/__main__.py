"""Make the runs of the plan that are not made yet, one after the other; stopped anywhere, it goes on where it was.

    python -m benchmarks.long_lag                 # everything, which takes days
    python -m benchmarks.long_lag --only lstm     # a group
    python -m benchmarks.long_lag --hours 2       # no new run after two hours
    python -m benchmarks.long_lag --tables        # nothing but the tables of README.md

Two of them beside each other share the work: a run belongs to the first that asks.
"""

import argparse
import fcntl
import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.long_lag.plan import GROUPS, Run
from benchmarks.long_lag.tables import write_tables

from recurra.experiment.environment import environment
from recurra.experiment.long_lag import run_long_lag
from recurra.experiment.long_lag_settings import settings_for
from recurra.storage import canonical, plain
from recurra.tasks.long_lag import LONG_LAG

HOME = Path(__file__).parent
RESULTS = HOME / "results"
WORK = Path("runs") / "long-lag"
_KEPT = ("epoch", "loss", "wrong_fraction", "errors", "seconds", "cg_steps", "damping", "passes")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.long_lag", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(GROUPS), metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--match", default="", help="runs whose names contain this")
    parser.add_argument("--hours", type=float, default=float("inf"), help="start no run after so many hours")
    parser.add_argument("--tables", action="store_true", help="write the tables of what there is, and end")
    args = parser.parse_args()
    end = time.monotonic() + 3600 * args.hours
    WORK.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    for group in [] if args.tables else args.only or GROUPS:
        for run in GROUPS[group]():
            if args.match in run.name and time.monotonic() < end:
                make(run)
    write_tables(HOME, RESULTS)


def make(run: Run) -> None:
    """Make a run that is not made, and that nobody else is making."""
    settings = settings_for(LONG_LAG[run.task](run.length), run.learner, run.settings)  # the defaults among them
    folder = WORK / hashlib.sha256(canonical([run.command, settings]).encode()).hexdigest()[:12]
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock, suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if run.name not in {record["name"] for record in records(run.group)}:
            print(f"{time.strftime('%H:%M:%S')} {run.group}: {run.name}", flush=True)
            keep(run, _made(run, folder))


def _made(run: Run, folder: Path) -> dict[str, Any]:
    def tell(event: dict[str, Any]) -> None:
        if event["epoch"] % (1 if run.learner == "hessian-free" else 50) == 0:
            print(f"    {event['epoch']} of {event['epochs']}, loss {event['loss']}", flush=True)

    options = {"seed": run.seed, "most": run.most, "whole": run.whole, "settings": run.settings}
    return run_long_lag(
        LONG_LAG[run.task](run.length), run.learner, **options, checkpoint=folder / "checkpoint", progress=tell
    )


def records(group: str) -> list[dict[str, Any]]:
    """The results of a group that are kept."""
    path = RESULTS / f"{group}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(run: Run, found: dict[str, Any]) -> None:
    """Add a result, with a history of a hundred entries at most."""
    history = found.pop("history")
    every = max(1, len(history) // 100)
    thinned = [{key: entry[key] for key in _KEPT if key in entry} for entry in history[every - 1 :: every]]
    if found["learner"] == "hessian-free":
        found["cg_steps"] = sum(entry["cg_steps"] for entry in history)
    versions = environment()["versions"]
    record = {"name": run.name, "command": run.command, **found, "versions": versions, "history": thinned}
    line = json.dumps(plain(record)) + "\n"
    with (RESULTS / f"{run.group}.jsonl").open("a") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    print(f"    solved {found['solved']}, wrong {found['wrong_fraction']}, {found['sequences']} sequences", flush=True)


if __name__ == "__main__":
    main()
