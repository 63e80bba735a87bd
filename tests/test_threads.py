"""The BLAS libraries that NumPy and SciPy load obey the bound, and only inside it."""

import numpy as np  # noqa: F401 - loads its BLAS
import scipy.linalg  # noqa: F401 - loads its own
from threadpoolctl import threadpool_info, threadpool_limits

from recurra.threads import one_blas_thread


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_one_thread_inside_and_as_many_as_before_outside():
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with one_blas_thread():
            assert set(blas_threads()) == {1}
        assert blas_threads() == before
