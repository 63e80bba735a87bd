"""The report as one HTML file that needs nothing else: no network, no script, no second file."""

import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from string import Template
from typing import Any
from urllib.parse import quote

import tomli_w

from recurra.report.formatting import clean, number
from recurra.report.palette import dark_rules
from recurra.report.svg import with_prefix
from recurra.storage import write_atomic

_DARK = (
    "--page: #12171d; --card: #1b222a; --rule: #343f4b; --text: #e8edf2; --quiet: #a8b4c0; "
    "--accent: #5cb8f0; --best: #173040;"
)
_LINE = 32  # characters of a cell that is one line
_CAPTION = re.compile(r"<title[^>]*>(.*?)</title><desc[^>]*>(.*?)</desc>", re.DOTALL)


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows.

    Args:
        columns: headings.
        rows: one sequence a row: text is shown as it is, numbers to three significant digits, None as a dash.
        caption: what the table shows.
        better: for each column "lower" or "higher", where the best number is to stand out, unless all are the same; ""
            elsewhere.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str
    better: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        title: its heading.
        text: plain text; an empty line parts paragraphs.
        figures: SVG elements made by the figure functions; title and description become the caption.
        tables: shown before the figures.
        link: the name of a file in the directory of the page, and the words that lead to it; after the text.
    """

    title: str
    text: str = ""
    figures: Sequence[str] = ()
    tables: Sequence[Table] = ()
    link: tuple[str, str] | None = None


@dataclass(frozen=True)
class Highlight:
    """One number at the head of the report: what it is, the number with its unit, and how to read it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All that a page shows.

    Args:
        title: the heading.
        summary: one paragraph: what was done and what came out.
        sections: in order.
        command: the exact command, word by word.
        config: the resolved configuration.
        versions: of the packages and the machine, by name.
        data_hash: SHA-256 of the data.
        highlights: at most four numbers for the head of the page.
    """

    title: str
    summary: str
    sections: Sequence[Section]
    command: Sequence[str] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    data_hash: str = ""
    highlights: Sequence[Highlight] = ()


def write_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Write the report as one HTML file, whole or not at all; the same report gives the same bytes.

    Raises:
        RunDirectoryError: the file cannot be written.
    """
    write_atomic(path, render(report).encode("utf-8"))


def render(report: Report) -> str:
    """The report as HTML."""
    here = resources.files("recurra.report")
    style = here.joinpath("report.css").read_text("utf-8")
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} {dark_rules()} }} }}"
    numbered = iter(range(1, 1_000_000))
    tables = iter(range(1, 1_000_000))
    sections = [_section(each, numbered, tables) for each in report.sections]
    return Template(here.joinpath("page.html").read_text("utf-8")).substitute(
        title=_text(clean(report.title)),
        style=f"{style}{dark}",
        summary=_text(report.summary),
        highlights=_highlights(report.highlights),
        sections="\n".join(sections),
        reproduce=_reproduce(report),
    )


def _section(section: Section, numbered: Iterator[int], tables: Iterator[int]) -> str:
    parts = [f"<h2>{_text(section.title)}</h2>"]
    parts += [f"<p>{_text(each)}</p>" for each in section.text.split("\n\n") if each.strip()]
    if section.link is not None:
        name, words = section.link
        parts.append(f'<p><a href="./{quote(name.encode("utf-8", "surrogateescape"), safe="")}">{_text(words)}</a></p>')
    parts += [_table(each, next(tables)) for each in section.tables]
    parts += [_figure(each, next(numbered)) for each in section.figures]
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _figure(svg: str, index: int) -> str:
    found = _CAPTION.search(svg)
    caption = f"<figcaption><b>{found[1]}.</b> {found[2]}</figcaption>" if found else ""
    return f"<figure>\n{with_prefix(svg, f'f{index}')}\n{caption}\n</figure>"


def _table(table: Table, index: int) -> str:
    """The caption stands above the box that scrolls, so that it can be read whole."""
    columns = range(len(table.columns))
    best, prose = [_best(table, column) for column in columns], [_is_prose(table, column) for column in columns]
    head = "".join(
        f'<th scope="col"{_class("prose" if words else "")}>{_text(each)}</th>'
        for each, words in zip(table.columns, prose, strict=True)
    )
    body = "".join(_row(row, best, prose) for row in table.rows)
    name = f"table-{index}"
    return (
        f'<p class="caption" id="{name}">{_text(table.caption)}</p>'
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}"><table aria-labelledby="{name}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Any], best: Sequence[float | None], prose: Sequence[bool]) -> str:
    cells = [f'<th scope="row">{_cell(row[0])}</th>']
    for value, top, words in zip(row[1:], best[1:], prose[1:], strict=True):
        stands_out = top is not None and _is_number(value) and value == top
        cells.append(f"<td{_class('best' if stands_out else 'prose' if words else '')}>{_cell(value)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _is_prose(table: Table, column: int) -> bool:
    """Whether a column, but the first, holds whole sentences: these are broken into lines."""
    return column > 0 and any(isinstance(row[column], str) and len(row[column]) > _LINE for row in table.rows)


def _best(table: Table, column: int) -> float | None:
    wanted = table.better[column] if column < len(table.better) else ""
    found = [row[column] for row in table.rows if _is_number(row[column])]
    if not wanted or len(found) < 2 or min(found) == max(found):
        return None
    return min(found) if wanted == "lower" else max(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _cell(value: Any) -> str:
    return _text(value if isinstance(value, str) else str(value) if isinstance(value, bool) else number(value))


def _highlights(highlights: Sequence[Highlight]) -> str:
    if not highlights:
        return ""
    cards = "".join(
        f'<div><dt>{_text(each.label)}</dt><dd class="value">{_text(each.value)}</dd>'
        f'<dd class="note">{_text(each.note)}</dd></div>'
        for each in highlights
    )
    return f'<dl class="highlights">{cards}</dl>'


def _reproduce(report: Report) -> str:
    parts = []
    if report.command:
        parts.append(f'<h3>Command</h3><pre class="command"><code>{_text(shlex.join(report.command))}</code></pre>')
    if report.data_hash:
        parts.append(f'<h3>Data, SHA-256</h3><p><code class="hash">{_text(report.data_hash)}</code></p>')
    if report.config:
        parts.append(
            f'<h3>Configuration</h3><pre tabindex="0"><code>{_text(tomli_w.dumps(report.config))}</code></pre>'
        )
    if report.versions:
        rows = "".join(
            f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>'
            for name, value in report.versions.items()
        )
        parts.append(
            '<h3>Versions</h3><table class="facts"><caption>Software and machine</caption>'
            '<thead><tr><th scope="col">Name</th><th scope="col">Value</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
    return "\n".join(parts) or "<p>Nothing is known about how this came about.</p>"


def _text(value: Any) -> str:
    """Escaped, and without the lone surrogates that UTF-8 cannot hold (undecodable bytes in file names)."""
    return escape(str(value).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd"))
