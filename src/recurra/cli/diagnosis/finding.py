"""What one part of `recurra diagnose` has found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    def of(self, words: str, facts: Mapping[str, Any]) -> "Finding":
        """The same, which says first what it was looked for in."""
        first, *others = self.sections
        sections = [replace(first, text=f"{words}\n\n{first.text}"), *others]
        results = {**self.results, "looked_into": dict(facts)}
        return replace(self, text=f"{words}\n{self.text}", sections=sections, results=results)
