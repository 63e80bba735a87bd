"""Fuzz every reader for a while: `python fuzz/run.py --seconds 60 [TARGET ...]`, as `make fuzz` does.

The seeds in `fuzz/corpus` are where it starts (`--seeds` writes them anew); what it finds on the way is forgotten but
for the inputs that end in a fault: these are kept in `fuzz/faults`.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from targets import TARGETS

HERE = Path(__file__).parent
CORPUS, FAULTS = HERE / "corpus", HERE / "faults"


def write_seeds() -> None:
    """Write the seeds of every target."""
    for name, target in TARGETS.items():
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
        for label, content in target.seeds().items():
            (CORPUS / name / f"{label}{target.suffix}").write_bytes(content)


def fuzz(name: str, seconds: int) -> tuple[int, str]:
    """Executions of one target, and what it died of."""
    FAULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as found:
        limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096", "-max_len=16384"]
        words = [sys.executable, str(HERE / "harness.py"), name, found, str(CORPUS / name), *limits]
        words += [f"-artifact_prefix={FAULTS}/{name}-", "-print_final_stats=1"]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    count = re.search(r"stat::number_of_executed_units:\s+(\d+)", done.stderr)
    return int(count[1]) if count else 0, "" if done.returncode == 0 else done.stderr[-3000:]


def main() -> int:
    """Fuzz the targets that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--seeds", action="store_true", help="write the seeds, and no more")
    args = parser.parse_args()
    if args.seeds:
        write_seeds()
        return 0
    faults = 0
    for name in args.targets or TARGETS:
        count, fault = fuzz(name, args.seconds)
        faults += bool(fault)
        print(f"{name}: {count:,} executions, {'FAULT' if fault else 'no fault'}\n{fault}".rstrip(), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
