"""Where the measurements are kept: one JSON file a script, a list of rows, each with what it was made with."""

import json
import shlex
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import marked

HOME = Path(__file__).parent / "results"


def record(script: str, name: str, make: Callable[[], dict[str, Any]], *, again: bool = False) -> dict[str, Any]:
    """The row of this name: measured now, and written, where it is not there yet or is wanted again."""
    rows = read(script)
    found = next((row for row in rows if row["name"] == name), None)
    if found is None or again:
        began = time.perf_counter()
        made = {"name": name, **make(), "seconds": round(time.perf_counter() - began, 1)}
        made["command"] = f"python -m benchmarks.understanding.{script} {shlex.join(sys.argv[1:])}".rstrip()
        made["made"] = datetime.now(UTC).date().isoformat()
        made["versions"] = {each: version(each) for each in ("recurra", "numpy", "jax", "jaxlib")}
        rows = [row for row in rows if row["name"] != name] + [made]
        HOME.mkdir(exist_ok=True)
        (HOME / f"{script}.json").write_text(json.dumps(rows, indent=1) + "\n")
        found = made
    print(json.dumps(found), flush=True)
    return found


def read(script: str) -> list[dict[str, Any]]:
    """The rows that there are."""
    path = HOME / f"{script}.json"
    return json.loads(path.read_text()) if path.exists() else []


def put(name: str, lines: list[str]) -> None:
    """Put lines between the marks of this name in README.md."""
    marked.put(HOME.parent / "README.md", name, lines)
