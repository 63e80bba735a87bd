"""Packages of the `io` extra, asked for when a file needs them."""

import importlib
from typing import Any

from recurra.errors import MissingExtraError


def package(name: str, what: str) -> Any:
    """A module of the extra; `what` is the kind of file or the name's end, as in "reading .nc needs ...".

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"reading {what} needs the io extra: pip install 'recurra[io]'") from error
