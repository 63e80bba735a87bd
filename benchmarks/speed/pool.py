"""The processes of the libraries, and what is asked of them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES: dict[
    str, tuple[dict[str, str], list[str]]
] = {  # variables of the process, and packages whose versions count
    "recurra": (
        {"JAX_PLATFORMS": "cpu", "RECURRA_COMPILATION_CACHE": "off"},  # a first call compiles
        ["recurra", "jax", "jaxlib", "equinox", "optax", "diffrax", "numpy", "scipy"],
    ),
    "torch": ({}, ["torch"]),
    "keras-tensorflow": ({"KERAS_BACKEND": "tensorflow"}, ["keras", "tensorflow-cpu"]),
    "keras-jax": ({"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}, ["keras", "jax"]),
    "reservoirpy": ({"JAX_PLATFORMS": "cpu"}, ["reservoirpy", "numpy", "scipy"]),
    "pyrcn": ({}, ["PyRCN", "numpy", "scipy"]),
    "sklearn": ({}, ["scikit-learn"]),
    "scipy": ({}, ["numpy", "scipy"]),
    "dysts": ({}, ["dysts", "scipy"]),
}
_LEFT_OUT = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class FailedError(Exception):
    """An entry that could not be built or timed, and why."""


class AbsentError(FailedError):
    """An entry that needs something that is not there."""


def environment(library: str) -> dict[str, str]:
    """Variables of the process of a library: no limit of threads and no choice of BLAS kernels from outside."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    return {**kept, **quiet, **LIBRARIES[library][0]}


class Pool:
    """One process a library, started on first use.

    Args:
        threads: CPUs that the processes may use, the first ones that this process may; None for all.
    """

    def __init__(self, threads: int | None = None) -> None:
        allowed = sorted(os.sched_getaffinity(0))
        self.cpus = allowed if threads is None else allowed[:threads]
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="speed-")
        self.folder = Path(self._folder.name)

    def __enter__(self) -> Self:
        os.sched_setaffinity(0, self.cpus)  # inherited by every process that is started
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
        self._folder.cleanup()

    def ask(self, library: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of the process of a library.

        Raises:
            FailedError: the request failed, with the reason.
        """
        process = self._process(library)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            del self._running[library]
            raise FailedError(f"the process of {library} ended with code {process.wait()}: {self._log(library)}")
        answer = json.loads(line)
        if "unavailable" in answer:
            raise AbsentError(answer["unavailable"])
        if "error" in answer:
            print(answer["traceback"], file=sys.stderr)
            raise FailedError(answer["error"])
        return answer

    def drop(self) -> None:
        """Forget all entries, so that their memory is free for the next case."""
        for library in list(self._running):
            self.ask(library, {"do": "drop"})

    def versions(self) -> dict[str, dict[str, str]]:
        """Versions of the packages behind every library that has run."""
        found = {}
        for library in list(self._running):
            packages = LIBRARIES[library][1]
            found[library] = self.ask(library, {"do": "versions", "packages": packages})["versions"]
        return found

    def _process(self, library: str) -> "subprocess.Popen[str]":
        if library not in self._running:
            with (self.folder / f"{library}.log").open("a") as log:
                self._running[library] = subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.speed.worker"],
                    cwd=ROOT,
                    env=environment(library),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        return self._running[library]

    def _log(self, library: str) -> str:
        return (self.folder / f"{library}.log").read_text(errors="replace")[-500:]
