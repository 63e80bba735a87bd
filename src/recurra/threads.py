"""Threads of the linear algebra: for small matrices one is as fast as many, and cannot fight with other processes."""

from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_blas_thread() -> Any:
    """A context in which NumPy's and SciPy's BLAS use one thread.

    Waiting threads of OpenBLAS spin: two of them on a core that another process uses made a fit of 1,000 units fifty
    times slower. Call it after `scipy.linalg` is imported, so that both libraries are found.
    """
    return _controller().limit(limits=1, user_api="blas")
