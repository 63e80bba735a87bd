"""What a fit costs: numbers of the network, work of a step, time and memory."""

import re
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def cost(estimator: Any, seconds: float, *, fresh: bool = True) -> dict[str, Any]:
    """The cost of a fitted estimator as plain data.

    A step multiplies every entry of every matrix once: O(n_h^2) for n_h hidden units. Backpropagation through time
    takes about three times as much.

    Args:
        estimator: fitted.
        seconds: wall time of the fit, of its last attempt where it was resumed.
        fresh: whether it was not resumed: the seconds are those of all epochs.

    Returns:
        parameters (all numbers in the network, trained or not), multiply_adds_per_step, epochs and seconds_per_epoch
        (None where it is solved in one step or was resumed), seconds, peak_memory_bytes (of the process so far).
    """
    tensors = estimator.acting._tensors()
    epochs = [entry["epoch"] for entry in estimator.history_ if "epoch" in entry]
    done = max(epochs, default=0) if fresh else 0
    return {
        "parameters": sum(array.size for array in tensors.values() if np.issubdtype(array.dtype, np.floating)),
        "multiply_adds_per_step": multiply_adds(tensors),
        "epochs": done or None,
        "seconds": round(seconds, 3),
        "seconds_per_epoch": round(seconds / done, 6) if done else None,
        "peak_memory_bytes": peak_memory(),
    }


def multiply_adds(tensors: Mapping[str, np.ndarray]) -> int:
    """Entries of all matrices, those of a sparse one as they are kept.

    >>> multiply_adds({"cells/0/W": np.ones((4, 4)), "cells/0/U": np.ones((4, 1)), "cells/0/b": np.ones(4)})
    20
    """
    return sum(array.size for name, array in tensors.items() if array.ndim == 2 or name.endswith("/data"))


def peak_memory() -> int:
    """The most bytes that this process has held at once; what its parent held before it began does not count."""
    status = Path("/proc/self/status")
    if status.exists() and (peak := _PEAK.search(status.read_text())):  # Linux hands `ru_maxrss` on through `exec`
        return 1024 * int(peak[1])
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found


def cost_in_words(found: Mapping[str, Any]) -> str:
    """The cost in a line.

    >>> cost_in_words({"parameters": 1457, "multiply_adds_per_step": 1392, "epochs": 100, "seconds": 1.5,
    ...                "seconds_per_epoch": 0.015, "peak_memory_bytes": 2**28})
    '1,457 numbers in the network, 1,392 multiplications a step; 1.5 s for 100 epochs (0.015 s each); 0.25 GiB at most'
    """
    epochs = f" for {found['epochs']} epochs ({found['seconds_per_epoch']:.2g} s each)" if found["epochs"] else ""
    return (
        f"{found['parameters']:,} numbers in the network, {found['multiply_adds_per_step']:,} multiplications a step; "
        f"{found['seconds']:.3g} s{epochs}; {found['peak_memory_bytes'] / 2**30:.2g} GiB at most"
    )
