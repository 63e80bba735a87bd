"""Benchmark suites: published protocols, one a file, that anyone can run by `recurra bench`.

A suite is data (`Suite`) and one function from a `Case` to its scores; rows, files and tables are the same for all.
"""

from recurra.suites.catalogue import SUITES, suite, suites
from recurra.suites.rows import measure_row, measure_rows, read_rows
from recurra.suites.suite import Case, Entry, Measure, Published, Suite
from recurra.suites.summary import markdown, summarise

__all__ = [
    "SUITES",
    "Case",
    "Entry",
    "Measure",
    "Published",
    "Suite",
    "markdown",
    "measure_row",
    "measure_rows",
    "read_rows",
    "suite",
    "suites",
    "summarise",
]
