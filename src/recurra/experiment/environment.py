"""What a run ran on: versions, machine, threads."""

import os
import platform
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
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an extra that is not installed
            continue
    return found
