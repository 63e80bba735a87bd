"""The wall time of a training, kept beside its history: a history holds nothing that differs between machines."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recurra.storage import loads_strict, write_json


class Clock:
    """Writes how many seconds of training an epoch has taken; one that is resumed goes on counting.

    Args:
        path: the file, in the run directory of the training.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began: float | None = None
        self._seconds: dict[int, float] | None = None

    def start(self) -> None:
        """The training begins now; later calls do nothing."""
        self._began = time.perf_counter() if self._began is None else self._began

    def tell(self, event: Mapping[str, Any]) -> None:
        """A stretch has ended, as a training tells it; one that is solved at once has no epochs."""
        self.start()
        if "epoch" not in event:
            return
        assert self._began is not None
        if self._seconds is None:  # what an earlier attempt has done before this epoch
            earlier = read_clock(self._path)
            self._seconds = {epoch: seconds for epoch, seconds in earlier.items() if epoch < event["epoch"]}
            self._began -= max(self._seconds.values(), default=0.0)
        self._seconds[event["epoch"]] = time.perf_counter() - self._began
        write_json(self._path, {"seconds": {str(epoch): seconds for epoch, seconds in self._seconds.items()}})


def read_clock(path: Path) -> dict[int, float]:
    """Seconds after some of the epochs; nothing where no training was timed."""
    if not path.exists():
        return {}
    found = loads_strict(path.read_bytes(), what=str(path))
    return {int(epoch): float(seconds) for epoch, seconds in found["seconds"].items()}
