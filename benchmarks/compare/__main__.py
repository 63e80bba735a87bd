"""Compare all learners on three series, and write the tables of README.md.

python -m benchmarks.compare                  # seventy minutes of two cores; what is finished is not run again
python -m benchmarks.compare --tables         # nothing but the tables
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import marked

HOME = Path(__file__).parent
RESULTS = HOME / "results"
DATA = ("system:lorenz63", "system:mackey-glass", "dataset:earth-rotation")
LEARNERS = "esn,hessian-free,momentum,lstm,gru,rnn,cnn,ffnn"
WORDS = ["--learners", LEARNERS, "--seeds", "5", "--budget", "60s", "--workers", "2"]
_HEADS = {
    "valid_time": "valid time",
    "closed_loop_nrmse": "closed-loop NRMSE",
    "one_step_nrmse": "one-step NRMSE",
    "seconds": "seconds",
    "gradient_passes": "passes over the data",
    "parameters": "parameters",
    "peak_memory_bytes": "memory, MB",
}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="write the tables of what there is, and end")
    args = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for source in () if args.tables else DATA:
        name = source.partition(":")[2]
        command = [sys.executable, "-m", "recurra.cli", "compare", source, *WORDS, "--quiet", "--json"]
        command += ["--out", str(Path("runs") / "compare" / name)]
        found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        results = json.loads(found.stdout)["results"]
        kept = {key: results[key] for key in ("rows", "seeds", "failed")}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    write_tables()


def write_tables() -> None:
    """Put the tables between their marks in the README."""
    for name in (source.partition(":")[2] for source in DATA):
        path = RESULTS / f"{name}.json"
        if path.exists():
            marked.put(HOME / "README.md", name, [table(json.loads(path.read_text())["rows"])])


def table(rows: list[dict[str, Any]]) -> str:
    """One line a learner, the longest valid time first."""
    rows = sorted(rows, key=lambda row: -row["valid_time"]["median"])
    lines = [["learner", *_HEADS.values()], ["---"] * (1 + len(_HEADS))]
    lines += [[row["learner"], *(_spread(row[name], name) for name in _HEADS)] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _spread(found: dict[str, float] | None, name: str) -> str:
    """The median, and from least to most."""
    if found is None:
        return ""
    scale = 1e6 if name == "peak_memory_bytes" else 1
    median, low, high = (f"{found[key] / scale:.3g}" for key in ("median", "low", "high"))
    if name == "parameters":
        return f"{found['median']:,.0f}"
    return median if low == high or name == "peak_memory_bytes" else f"{median} ({low} to {high})"


if __name__ == "__main__":
    main()
