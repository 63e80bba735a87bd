"""The wall time of a training, kept beside its history: a history holds nothing that differs between machines."""

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
        self._before: dict[int, float] | None = None  # what an earlier attempt has done
        self._seconds: dict[int, float] = {}

    def tell(self, event: Mapping[str, Any]) -> None:
        """A stretch has ended, as a training tells it; one that is solved at once has no epochs."""
        if "epoch" not in event:
            return
        if self._before is None:
            self._before = {epoch: s for epoch, s in read_clock(self._path).items() if epoch < event["epoch"]}
        self._seconds[event["epoch"]] = max(self._before.values(), default=0.0) + event["seconds"]
        told = {str(epoch): seconds for epoch, seconds in {**self._before, **self._seconds}.items()}
        write_json(self._path, {"seconds": told})


def read_clock(path: Path) -> dict[int, float]:
    """Seconds after some of the epochs; nothing where no training was timed."""
    if not path.exists():
        return {}
    found = loads_strict(path.read_bytes(), what=str(path))
    return {int(epoch): float(seconds) for epoch, seconds in found["seconds"].items()}
