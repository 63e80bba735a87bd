"""The simple example of the lecture: whole processes, from the start of Python to the trained network."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.speed.pool import LIBRARIES, ROOT, environment
from benchmarks.speed.run import Run
from benchmarks.speed.tables import Table, digits, ratio

TITLE = "Simple example"
TOLERANCES = {"loss": 0.2}  # other weights at the start, other orders of the windows: it is the same network and data
FIRST, SECOND, ALONE = "recurra, first run", "recurra, second run", "recurra, fit again"
KERAS = {"Keras, TensorFlow": "keras-tensorflow", "Keras, JAX": "keras-jax"}
BARS = {"whole": "10", "alone": "100"}


def run(run: Run) -> list[dict[str, Any]]:
    """Every process in turn; the first run of recurra finds no compiled program of an earlier one."""
    rounds = 1 if run.quick else 3
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for k in range(rounds):
            kept = str(Path(folder) / f"cache-{k}")
            for name, arguments in ((FIRST, []), (SECOND, []), (ALONE, ["again"])):
                found.setdefault(name, []).append(_process("recurra", "example_recurra", arguments, kept))
            for name, library in KERAS.items():
                found.setdefault(name, []).append(_process(library, "example_keras", [], kept))
        checking = _process("keras-tensorflow", "example_keras", ["every"], str(Path(folder) / "check"))["loss"]
    loss = found[FIRST][0]["loss"]
    check = {"loss": abs(loss / checking - 1)}
    entries: dict[str, dict[str, Any]] = {name: _entry(name, runs, check) for name, runs in found.items()}
    for library in ("recurra", *KERAS.values()):
        run.pool.ask(library, {"do": "versions", "packages": LIBRARIES[library][1]})
    done = {"case": "simple example", "loss": loss, "loss of Keras at every step": checking, "entries": entries}
    run.say(done)
    return [done]


def _process(library: str, script: str, arguments: list[str], cache: str) -> dict[str, float]:
    """One whole process: its wall time, and what it says of itself."""
    path = str(Path(__file__).with_name(f"{script}.py"))
    variables = {**environment(library), "RECURRA_COMPILATION_CACHE": cache}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, path, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True)
    wall = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{script} ended with {done.returncode}: {done.stderr[-500:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}


def _entry(name: str, runs: list[dict[str, float]], check: dict[str, float]) -> dict[str, Any]:
    if check["loss"] > TOLERANCES["loss"]:
        return {"reason": f"computes something else: loss {check['loss']:.2f} > {TOLERANCES['loss']:g}"}
    parts = {part: median(each[part] for each in runs) for part in runs[0]}
    checks = check if name == FIRST else {}
    raw = {"wall": [each["wall"] for each in runs]}
    return {"seconds": parts["wall"], "variant": "whole process", "parts": parts, "raw": raw, "checks": checks}


def tables(cases: list[dict[str, Any]], limits: dict[str, Any], cpus: int) -> list[Table]:
    """Seconds of the whole process, of its imports and training, and of training alone."""
    del limits, cpus
    entries = cases[0]["entries"]
    lecture = entries["Keras, TensorFlow"]
    lines = []
    for name, entry in entries.items():
        parts = entry.get("parts", {})
        cells = [digits(parts[part]) if part in parts else "-" for part in ("wall", "import", "training", "alone")]
        alone = [
            {"seconds": each["parts"]["alone"]} if "alone" in each.get("parts", {}) else {} for each in (lecture, entry)
        ]
        ours = name.startswith("recurra")
        whole = (
            [ratio(lecture, entry), BARS["whole"] if name in (FIRST, SECOND) else "-"] if name != ALONE else ["-", "-"]
        )
        lines.append([name, *cells, *whole, ratio(*alone), BARS["alone"] if ours and "alone" in parts else "-"])
    head = [
        "",
        "whole process, s",
        "import, s",
        "training with compilation, s",
        "training alone, s",
        "whole: x Keras-TF",
        "bar",
        "alone: x Keras-TF",
        "bar",
    ]
    return [Table(head, lines)]
