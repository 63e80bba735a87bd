"""What a long example has finished, kept on disk part by part, so that a killed one goes on where it was."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recurra import __version__
from recurra.errors import ModelFileError, RecurraWarning
from recurra.storage import loads_strict, plain, write_atomic

PREFIX = "part-"  # of the files, one a part


class Parts:
    """The finished parts of one example, by name.

    A part is plain data (numbers, text, lists, tables of figures as SVG). It passes through JSON whether it is new or
    was found, so that an example that was killed and resumed ends with the same bits as one that was not.

    Args:
        folder: where the parts are kept; None keeps nothing.
        within: put before every name.

    >>> parts = Parts()
    >>> parts.get("seed-0", lambda: {"mse": 0.1, "rows": (1, 2)})
    {'mse': 0.1, 'rows': [1, 2]}
    """

    def __init__(self, folder: Path | None = None, within: str = ""):
        self.folder = folder
        self.within = within

    def under(self, name: str) -> "Parts":
        """The parts of an example within this one."""
        return Parts(self.folder, f"{self.within}{name}-")

    def get(self, name: str, work: Callable[[], Any]) -> Any:
        """The part of that name as it was kept or, where there is none, as `work` makes it now."""
        path = None if self.folder is None else self.folder / f"{PREFIX}{self.within}{name}.json"
        if path is not None and (found := _read(path)) is not None:
            return found
        text = json.dumps({"recurra": __version__, "part": plain(work())}, allow_nan=False)
        if path is not None:
            write_atomic(path, text.encode())
        return loads_strict(text)["part"]


def _read(path: Path) -> Any:
    """The part in a file; None where there is none of this version that is whole."""
    try:
        found = loads_strict(path.read_bytes(), what=str(path))
    except FileNotFoundError:
        return None
    except (OSError, ModelFileError) as error:
        warnings.warn(f"a finished part is refused and made anew: {error}", RecurraWarning, stacklevel=3)
        return None
    return found.get("part") if isinstance(found, dict) and found.get("recurra") == __version__ else None
