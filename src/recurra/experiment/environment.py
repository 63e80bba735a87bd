"""What a run ran on: versions, machine, threads."""

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import recurra

_PACKAGES = ("numpy", "scipy", "jax", "jaxlib", "equinox", "optax", "diffrax", "safetensors", "matplotlib")
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "XLA_FLAGS",
    "JAX_PLATFORMS",
    "JAX_ENABLE_X64",
)


def environment() -> dict[str, Any]:
    """Versions, platform, cores and the variables that set threads; no package is imported for it."""
    return {
        "versions": {"recurra": recurra.__version__, "python": platform.python_version()} | _versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
    }


def _versions() -> dict[str, str]:
    return {package: found for package in _PACKAGES if (found := _version(package))}


@cache
def _version(package: str) -> str | None:
    """Asked of the disk once in a process: a sweep writes many runs."""
    try:
        return version(package)
    except PackageNotFoundError:  # an extra that is not installed
        return None
