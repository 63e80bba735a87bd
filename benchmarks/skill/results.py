"""Where the measurements are kept: JSON files beside the scripts, each row with what it was made with."""

import json
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import marked

HOME = Path(__file__).parent / "results"


def stamp(script: str) -> dict[str, Any]:
    """With what a row is made: command, day, versions."""
    return {
        "command": f"python -m benchmarks.skill.{script} {shlex.join(sys.argv[1:])}".rstrip(),
        "made": datetime.now(UTC).date().isoformat(),
        "versions": {each: version(each) for each in ("recurra", "numpy", "scipy")},
    }


def read(name: str) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines."""
    path = HOME / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(name: str, row: dict[str, Any]) -> None:
    """One more row."""
    HOME.mkdir(exist_ok=True)
    with (HOME / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def put(name: str, lines: list[str]) -> None:
    """Put lines between the marks of this name in README.md."""
    marked.put(HOME.parent / "README.md", name, lines)
