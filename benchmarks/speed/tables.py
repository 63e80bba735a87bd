"""Tables as Markdown, and the page that they are written into."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Table:
    """Head, lines of text, and a sentence below."""

    head: list[str]
    lines: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """The table as Markdown.

        >>> print(Table(["a", "b"], [["1", "2"]]).markdown())
        | a | b |
        |---|---|
        | 1 | 2 |
        """
        wrong = [line for line in self.lines if len(line) != len(self.head)]
        if wrong:
            raise ValueError(f"a line of {len(wrong[0])} cells under a head of {len(self.head)}: {wrong[0]}")
        parts = [self.head, ["---"] * len(self.head), *self.lines]
        text = ["| " + " | ".join(cells) + " |" for cells in parts]
        text[1] = "|" + "---|" * len(self.head)
        return "\n".join([*text, *(["", self.note] if self.note else [])])


def number(entry: dict[str, Any], scale: float = 1.0) -> str:
    """Seconds of an entry times the scale, to three digits; "-" where there are none.

    >>> number({"seconds": 0.0012345}, 1e6), number({"reason": "absent"}), number({})
    ('1230', '-', '-')
    """
    return digits(entry["seconds"] * scale) if "seconds" in entry else "-"


def digits(value: float) -> str:
    """Three significant digits, without an exponent.

    >>> [digits(x) for x in (0.01234, 1.0, 12.34, 123456.0)]
    ['0.0123', '1.00', '12.3', '123000']
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    whole = len(str(int(abs(rounded)))) if abs(rounded) >= 1 else 0
    return f"{rounded:.{max(0, 3 - whole)}f}" if whole else f"{rounded:.3g}"


def ratio(peer: dict[str, Any], ours: dict[str, Any]) -> str:
    """How many times the peer takes.

    >>> ratio({"seconds": 3.0}, {"seconds": 2.0}), ratio({}, {"seconds": 2.0})
    ('1.50', '-')
    """
    return digits(peer["seconds"] / ours["seconds"]) if "seconds" in peer and "seconds" in ours else "-"


def share(entry: dict[str, Any], work: float, most: float | None) -> str:
    """Which part of the most operations a second an entry reaches.

    >>> share({"seconds": 2.0}, 1e9, 1e9), share({"seconds": 2.0}, 1e9, None)
    ('50 %', '-')
    """
    if most is None or "seconds" not in entry:
        return "-"
    return f"{100 * work / entry['seconds'] / most:.2g} %"


def best(entries: dict[str, dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """The fastest of some entries; empty where none has a number."""
    timed = [entries[name] for name in names if "seconds" in entries.get(name, {})]
    return min(timed, key=lambda entry: entry["seconds"]) if timed else {}


def write(page: Path, name: str, text: str) -> None:
    """Put text between the markers `<!-- bench: NAME -->` and `<!-- end: NAME -->` of a page.

    Raises:
        ValueError: the page has no such markers, or more than one pair.
    """
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- bench: {re.escape(name)} -->\n).*?(<!-- end: {re.escape(name)} -->)", re.DOTALL)
    after, count = pattern.subn(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before)
    if count != 1:
        raise ValueError(f"{page.name} has {count} pairs of markers for {name!r}: it is to have one")
    page.write_text(after, encoding="utf-8")
