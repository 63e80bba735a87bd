"""What a machine offers recurra, and what is missing: looked at, never a reason to fail."""

import os
import platform
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import recurra
from recurra.compilation import MOST_BYTES, VARIABLE, keep_programs, programs_in
from recurra.errors import ConfigError, RecurraWarning
from recurra.estimators.memory import usable_memory
from recurra.experiment.environment import environment
from recurra.native import status, threads

GIVES = {  # extra -> what it is for
    "bench": "comparisons of speed with PyTorch",
    "dask": "sweeps on workers of Dask",
    "optuna": "searches by its sampler",
    "datasets": "the data sets that ship in packages",
    "dev": "tests and checks of recurra itself",
    "dysts": "chaotic systems of the dysts collection",
    "fuzz": "fuzzing of the readers",
    "io": "HDF5, NetCDF, Parquet, Zarr and other containers",
    "report": "figures and the HTML report",
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;]*;.*extra\s*==\s*[\"']([A-Za-z0-9._-]+)[\"']")
_ROOM = 2**30  # bytes of disk below which a run may end in a refusal


def examine() -> dict[str, Any]:
    """Everything `recurra doctor` shows; `findings` holds what is missing, each with advice."""
    found: dict[str, Any] = {
        **environment(),
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "precision": {
            "data": "float64",
            "echo state networks and baselines": "float64",
            "trained networks": "float32",
        },
    }
    found["recurra"] = {"version": recurra.__version__, "home": str(Path(recurra.__file__).parent)}
    for name, look in (
        ("jax", _jax),
        ("native", _native),
        ("blas", _blas),
        ("memory", _memory),
        ("disk", _disk),
        ("home", _home),
        ("caches", _caches),
        ("compiled", _compiled),
        ("extras", _extras),
    ):
        found[name] = _looked_at(look)
    found["findings"] = _findings(found)
    return found


def _looked_at(look: Callable[[], Any]) -> Any:
    """What was found, or why it could not be looked at."""
    try:
        return look()
    except Exception as error:  # whatever is broken here is what the doctor is asked about
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"}


def _jax() -> dict[str, Any]:
    import jax

    wanted = os.environ.get("JAX_PLATFORMS")
    try:
        devices = jax.devices()
    except Exception as error:  # JAX says it in several ways, one of them an assertion without a word
        raise RuntimeError(f"JAX_PLATFORMS={wanted}: {error or 'no such device here'}") from error
    return {
        "version": jax.__version__,
        "backend": jax.default_backend(),
        "devices": [f"{device.platform}: {device.device_kind}" for device in devices],
        "x64_by_default": bool(jax.config.jax_enable_x64),  # pyright: ignore[reportAttributeAccessIssue]
    }


def _blas() -> list[dict[str, Any]]:
    import numpy as np  # noqa: F401 - so that its pool is there to be found
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "num_threads", "architecture")
    return [{key: pool.get(key) for key in keys} for pool in threadpool_info()]


def _memory() -> dict[str, Any]:
    found: dict[str, Any] = {"usable_bytes": usable_memory(), "available_bytes": None}
    with suppress(OSError):  # not on every system
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found["available_bytes"] = 1024 * int(line.split()[1])
    return found


def _disk() -> dict[str, Any]:
    return {"here": _place(os.getcwd()), "temporary": _place(tempfile.gettempdir())}


def _place(path: str) -> dict[str, Any]:
    """Free bytes of a directory, and whether a file can be written there: tried, not asked."""
    import shutil

    found: dict[str, Any] = {"path": path, "free_bytes": None, "writable": False, "reason": None}
    try:
        found["free_bytes"] = shutil.disk_usage(path).free
        with tempfile.NamedTemporaryFile(dir=path, prefix=".recurra-", suffix=".tmp") as file:
            file.write(b"probe")
            file.flush()
            os.fsync(file.fileno())
        found["writable"] = True
    except OSError as error:
        found["reason"] = error.strerror or str(error)
    return found


def _home() -> dict[str, Any]:
    home = os.environ.get("HOME")
    return {"path": None, "writable": False, "reason": "HOME is not set"} if not home else _place(home)


def _native() -> dict[str, Any]:
    """Which kernels run over sequences, and why."""
    try:
        return {**asdict(status()), "threads": threads()}
    except ConfigError as error:
        return {"active": False, "reason": str(error), "isa": None, "threads": threads()}


def _caches() -> dict[str, Any]:
    """Variables that say where recurra and the packages it uses keep things between runs."""
    names = (VARIABLE, "JAX_COMPILATION_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    return {name: os.environ.get(name) for name in names}


def _compiled() -> dict[str, Any]:
    """Where compiled programs are kept between runs, and how many there are for this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)  # it is one of the findings
        kept = keep_programs()
    found = {**kept._asdict(), "programs": 0, "bytes": 0, "most_bytes": MOST_BYTES}
    if kept.directory is not None:
        sizes = [each.stat().st_size for each in programs_in(kept.directory)]
        found |= {"programs": len(sizes), "bytes": sum(sizes)}
    return found


def _extras() -> dict[str, Any]:
    packages: dict[str, dict[str, str | None]] = {}
    for line in requires("recurra") or []:
        if match := _REQUIREMENT.match(line):
            packages.setdefault(match[2], {})[match[1]] = _version(match[1])
    return {
        extra: {"gives": GIVES.get(extra, ""), "installed": None not in found.values(), "packages": found}
        for extra, found in sorted(packages.items())
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _findings(found: dict[str, Any]) -> list[dict[str, str]]:
    notes = [
        (f"{name} could not be looked at: {part['error']}", _BROKEN.get(name, "see the message"))
        for name, part in found.items()
        if isinstance(part, dict) and "error" in part
    ]
    for name, place in (("here", "the current directory"), ("temporary", "the directory for temporary files")):
        disk = found["disk"].get(name)
        if disk and not disk["writable"]:
            notes.append((f"{place}, {disk['path']}, cannot be written: {disk['reason']}", "name another with --out"))
        elif disk and disk["free_bytes"] < _ROOM:
            notes.append((f"{place} has {disk['free_bytes']:,} bytes free", "make room before a long run"))
    if found["home"].get("reason"):
        advice = "set HOME or MPLCONFIGDIR to a directory of yours: matplotlib then keeps its list of fonts"
        notes.append((f"no home directory to write to: {found['home']['reason']}", advice))
    if not found["native"]["active"]:
        advice = "install recurra again where there is a C++ compiler (g++): networks run several times faster"
        notes.append((f"no native kernels: {found['native']['reason']}", advice))
    if found["compiled"].get("refused"):
        advice = f"set {VARIABLE} to a directory that is yours alone: programs are then compiled once, not in every run"
        notes.append((f"compiled programs are not kept: {found['compiled']['reason']}", advice))
    for extra, part in found["extras"].items():
        if isinstance(part, dict) and not part["installed"] and extra not in ("bench", "dev", "fuzz"):
            missing = ", ".join(name for name, at in part["packages"].items() if at is None)
            notes.append((f"without {part['gives']}: {missing} is missing", f"pip install 'recurra[{extra}]'"))
    return [{"what": what, "advice": advice} for what, advice in notes]


_BROKEN = {
    "jax": "unset JAX_PLATFORMS, or install jax anew: pip install --upgrade jax; without it, echo state networks work",
    "extras": "install recurra by pip: what it needs is then known",
}
