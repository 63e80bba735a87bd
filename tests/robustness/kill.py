"""Kill commands at random moments and repeat them: `python tests/robustness/kill.py --rounds 20 --seed 0`.

A round starts a command in a process group of its own, kills the group by SIGKILL at a random moment of its work
(between the moment at which its directory appears and its usual end), and gives the same command again. What then
stands in the directory must have the same bits as after a run that nobody killed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NETWORK = ("--learner", "rnn", "--set", "units=8", "--set", "epochs=120", "--set", "bptt_length=8")
SEARCH = ("--learner", "esn", "--set", "units=300", "--set", "washout=10")
FILES = (
    "config.toml",
    "data.npz",
    "metrics.json",
    "history.jsonl",
    "model.safetensors",
    "forecast.csv",
    "report.html",
)


@dataclass(frozen=True)
class Scenario:
    """A command that is killed.

    Args:
        words: after `recurra`; everything is written to the directory `run`.
        before: a command that has to be finished first.
        trace: what appears when its work begins.
        compiles: whether a second run is much quicker than the first, since it finds its programs compiled.
        files: what is compared; a file that neither has is equal.
    """

    words: tuple[str, ...]
    before: tuple[str, ...] = ()
    trace: str = "run"
    compiles: bool = False
    files: tuple[str, ...] = FILES


_FITTED = ("fit", "wave.csv", *SEARCH, "--out", "run")
SCENARIOS = {
    "fit rnn": Scenario(("fit", "wave.csv", *NETWORK, "--out", "run"), compiles=True),
    "fit esn": Scenario(_FITTED),
    "example": Scenario(("example", "simple-sine", "--seeds", "4", "--out", "run"), compiles=True),
    "report": Scenario(("report", "run"), before=_FITTED, trace=""),
}


def wave(folder: Path) -> None:
    """A small file of data."""
    t = 0.1 * np.arange(240)
    table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
    np.savetxt(folder / "wave.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")


def start(words: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    """The command in a process group of its own."""
    full = [sys.executable, "-m", "recurra.cli", *words, "--quiet"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(full, cwd=folder, start_new_session=True, **quiet)  # pyright: ignore[reportCallIssue]


def finish(words: tuple[str, ...], folder: Path) -> None:
    """The command to its end, which must be a good one."""
    process = start(words, folder)
    _, said = process.communicate()
    if process.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with {process.returncode}: {said.decode()}")


@dataclass(frozen=True)
class Reference:
    """A scenario as nobody disturbs it: when its work begins, when it ends, and what it leaves."""

    begins: float
    ends: float
    left: dict[str, bytes | None]


def contents(scenario: Scenario, folder: Path) -> dict[str, bytes | None]:
    """The bytes of every file that is compared; None where it is missing."""
    paths = {name: folder / "run" / name for name in scenario.files}
    return {name: path.read_bytes() if path.exists() else None for name, path in paths.items()}


def prepare(scenario: Scenario, folder: Path, fitted: Path | None) -> None:
    """The folder as the command finds it."""
    folder.mkdir()
    wave(folder)
    if fitted is not None:
        shutil.copytree(fitted, folder / "run")
        (folder / "run" / "report.html").unlink()


def measure(scenario: Scenario, folder: Path, fitted: Path | None) -> Reference:
    """Run it undisturbed and measure its moments."""
    prepare(scenario, folder, fitted)
    if scenario.compiles:
        finish(scenario.words, folder)
        shutil.rmtree(folder)
        prepare(scenario, folder, fitted)
    began = time.monotonic()
    process, begins = start(scenario.words, folder), 0.0
    while scenario.trace and process.poll() is None and not (folder / scenario.trace).exists():
        time.sleep(0.005)
    begins = time.monotonic() - began if scenario.trace else 0.0
    _, said = process.communicate()
    if process.returncode != 0:
        raise AssertionError(f"{' '.join(scenario.words)} ended with {process.returncode}: {said.decode()}")
    return Reference(begins, time.monotonic() - began, contents(scenario, folder))


def disturb(
    scenario: Scenario, reference: Reference, folder: Path, fitted: Path | None, moment: float
) -> tuple[bool, list[str]]:
    """Kill it at a moment (0 to 1 of its work) and repeat it: whether it was alive then, and what differs."""
    prepare(scenario, folder, fitted)
    process = start(scenario.words, folder)
    try:
        process.wait(reference.begins + moment * (reference.ends - reference.begins))
        alive = False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        alive = process.wait() == -signal.SIGKILL
    process.communicate()
    finish(scenario.words, folder)
    left = contents(scenario, folder)
    stray = [path.name for path in (folder / "run").iterdir() if path.name.endswith((".tmp", ".previous"))]
    stray += [path.name for path in (folder / "run").glob("part-*")]
    return alive, [*stray, *(name for name in left if left[name] != reference.left[name])]


def kill(rounds: int, seed: int, names: tuple[str, ...] = tuple(SCENARIOS)) -> list[str]:
    """Give every scenario in turn until there were so many rounds; returns a line for each round that failed."""
    rng, wrong = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        fitted = None
        if any(SCENARIOS[name].before for name in names):
            prepare(SCENARIOS["fit esn"], base / "fitted", None)
            finish(_FITTED, base / "fitted")
            fitted = base / "fitted" / "run"
        found = {
            name: measure(SCENARIOS[name], base / f"whole-{i}", fitted if SCENARIOS[name].before else None)
            for i, name in enumerate(names)
        }
        for k in range(rounds):
            name = names[k % len(names)]
            scenario, alive = SCENARIOS[name], False
            moment = float(rng.uniform())
            while not alive:  # a machine that is quicker now has already finished: try earlier
                folder = base / f"round-{k}-{moment:.4f}"
                before = fitted if scenario.before else None
                alive, differing = disturb(scenario, found[name], folder, before, moment)
                moment *= 0.8
                shutil.rmtree(folder)
            line = f"round {k}: {name} killed at {moment / 0.8:.2f} of its work"
            print(f"{line}; differs: {', '.join(differing) or 'nothing'}", flush=True)
            wrong += [f"{line}: {', '.join(differing)}"] if differing else []
    print(f"{rounds - len(wrong)} of {rounds}", flush=True)
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit("\n".join(kill(given.rounds, given.seed)) or 0)
