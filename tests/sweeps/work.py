"""Tasks for tests of executors; a process that does them finds this module on its path."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from recurra.native import threads


def double(arguments, pause):
    return 2 * arguments["of"]


def stored(arguments, pause):
    """The largest eigenvalue of a matrix of a seed, written beside what every attempt leaves."""
    from recurra.storage import write_json

    path = Path(arguments["path"])
    draws = np.random.default_rng(arguments["seed"]).normal(size=(20, 20))
    write_json(path, {"value": float(np.linalg.eigvalsh(draws + draws.T)[-1])})
    return str(path)


def pins(arguments, pause):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = "jax" in sys.modules
    import jax

    jax.devices()
    time.sleep(arguments.get("seconds", 0.0))
    return {
        "pid": os.getpid(),
        "affinity": sorted(os.sched_getaffinity(0)),
        "environment": {name: os.environ.get(name) for name in names},
        "threads": threads(),
        "jax_before": before,
    }


def fail(arguments, pause):
    raise ValueError("no such thing")


def leave(arguments, pause):
    sys.exit("of its own will")


def die(arguments, pause):
    os._exit(3)


def kill(arguments, pause):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(arguments, pause):
    (Path(arguments["home"]) / "hangs").touch()
    time.sleep(600)


def careful(arguments, pause):
    """Says that it has begun, and stops well."""
    home = Path(arguments["home"])
    (home / "began").touch()
    try:
        while True:
            pause()
            time.sleep(0.02)
    finally:
        (home / "ended").touch()


def twice(arguments, pause):
    """A first attempt waits to be killed; every attempt leaves a line."""
    log = Path(arguments["log"])
    with log.open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    if len(log.read_text().splitlines()) == 1:
        time.sleep(600)
    return "done"


def no_json(arguments, pause):
    return {1, 2}


def out_of_core(arguments, pause):
    """A fit in this process, and the most memory that it took."""
    import recurra
    from recurra.experiment.cost import peak_memory
    from recurra.sweeps import fit_out_of_core

    model = fit_out_of_core(recurra.ESN(**arguments["params"]), arguments["array"], check=pause)
    model.save(arguments["model"])
    return {"peak": peak_memory()}
