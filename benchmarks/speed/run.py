"""One run of the benchmark: processes, number of repeats, what is said on the way."""

import sys
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.pool import Pool
from benchmarks.speed.tables import digits


@dataclass(frozen=True)
class Run:
    """What every group of cases gets.

    Args:
        pool: the processes of the libraries.
        quick: fewer repeats and fewer of the large cases.
        match: part of the name of the cases to run; empty for all.
    """

    pool: Pool
    quick: bool
    match: str = ""

    @property
    def cpus(self) -> int:
        """CPUs that the libraries may use."""
        return len(self.pool.cpus)

    def folder(self, case: str) -> str:
        """A folder of its own for a case, where weights and data are handed from one library to the next."""
        path = self.pool.folder / "".join(letter if letter.isalnum() else "-" for letter in case)
        path.mkdir(exist_ok=True)
        return str(path)

    def wants(self, case: str) -> bool:
        """Whether the case is to be run."""
        return self.match in case

    def repeats(self, usual: int) -> int:
        """Rounds of timing."""
        return max(2, usual // 3) if self.quick else usual

    def say(self, case: dict[str, Any]) -> None:
        """One line on stderr for every entry of a case."""
        for name, entry in case["entries"].items():
            told = entry.get("reason", "")
            if "seconds" in entry:
                told = f"{digits(entry['seconds'] * 1e6)} µs ({entry['variant']})"
                told += f" on {entry['cpus']:.2f} CPUs" if "cpus" in entry else ""
            checks = ", ".join(f"{key} {value:.0e}" for key, value in entry.get("checks", {}).items())
            print(f"{case['case']:28s} {name:22s} {told}  {checks}", file=sys.stderr, flush=True)
