"""Which kernels run, and why; and on how many threads."""

import importlib
import os
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from recurra.errors import ConfigError

VARIABLE = "RECURRA_NATIVE"


@dataclass(frozen=True)
class Status:
    """Which path runs.

    Args:
        active: whether the native kernels run.
        reason: why, or why not.
        isa: the instruction set that they use; None where they do not run.
    """

    active: bool
    reason: str
    isa: str | None = None


@cache
def status() -> Status:
    """Whether the kernels run in this process: decided once, when they are first asked for.

    Raises:
        ConfigError: RECURRA_NATIVE asks for what is not there.
    """
    asked = os.environ.get(VARIABLE, "").strip().lower()
    if asked in ("off", "0", "no"):
        return Status(False, f"{VARIABLE}={asked} switches them off")
    module = compiled("_kernels")
    if module is None:
        reason = "they were not built: this installation found no C++ compiler"
        if asked:
            raise ConfigError(f"{VARIABLE}={asked} asks for native kernels, and {reason}; unset it, or install again")
        return Status(False, reason)
    if not asked or asked in ("on", "1", "yes"):
        return Status(True, f"the widest that run here, of {', '.join(module.runnable())}", module.isa())
    if asked not in module.runnable():
        there = ", ".join(module.runnable())
        raise ConfigError(f"{VARIABLE}={asked} asks for kernels that do not run here: choose {there}, on or off")
    module.use(asked)
    return Status(True, f"{VARIABLE}={asked} asks for them", asked)


def kernels() -> ModuleType:
    """The compiled module; only where `status` says that it runs."""
    module = compiled("_kernels")
    if module is None or not status().active:
        raise RuntimeError(f"the native kernels do not run: {status().reason}")
    return module


@cache
def compiled(name: str) -> ModuleType | None:
    """A compiled module of this package, or None where it was not built."""
    full = f"recurra.native.{name}"
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        return None


@cache
def threads() -> int:
    """How many threads a kernel may use: the cores of this process, or OMP_NUM_THREADS where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    bound = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(cores, int(bound)) if bound.isdigit() and int(bound) > 0 else cores
