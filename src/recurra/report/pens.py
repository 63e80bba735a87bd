"""Lines that are told apart by colour and by dashes: units, channels, whatever stands side by side in one panel."""

import dataclasses
from collections.abc import Sequence

from recurra.report.palette import Ink, ink

_LOOKS = (
    ("esn", ()),
    ("lstm", (4.0, 1.5)),
    ("gru", (1.5, 1.5)),
    ("rnn", (5.0, 1.5, 1.2, 1.5)),
    ("momentum", (9.0, 2.0)),
)
MOST = len(_LOOKS)


def pens(titles: Sequence[str]) -> list[Ink]:
    """One pen for each title, `MOST` at most.

    >>> [pen.title for pen in pens(["x", "y"])]
    ['x', 'y']
    """
    return [
        dataclasses.replace(ink(name), title=title, dash=dash)
        for title, (name, dash) in zip(titles, _LOOKS, strict=False)
    ]
