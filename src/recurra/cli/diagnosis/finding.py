"""What one part of `recurra diagnose` has found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """What a part has found.

    Args:
        title: of its page.
        summary: the verdict in words.
        results: for programs, plain data.
        text: for people.
        sections: of its page.
        highlights: numbers for the head of a page.
    """

    title: str
    summary: str
    results: Mapping[str, Any]
    text: str
    sections: Sequence[Any]
    highlights: Sequence[Any] = ()
