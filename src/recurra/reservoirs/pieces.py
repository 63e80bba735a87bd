"""Pieces of linear algebra on several threads, each with one thread of BLAS.

The pieces are the same on any number of threads, and so are the bits. A thread that waits here sleeps: those of
OpenBLAS spin, and beside another busy process lose more time than they save.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from recurra.native import threads

PIECES = 4


def in_pieces(size: int, work: Callable[[int, int], None]) -> None:
    """Call work(first, last) for `PIECES` parts of range(size) that are disjoint in all that they write."""
    ends = [size * k // PIECES for k in range(PIECES + 1)]
    if threads() == 1:
        for first, last in pairwise(ends):
            work(first, last)
        return
    with ThreadPoolExecutor(min(PIECES, threads())) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))
