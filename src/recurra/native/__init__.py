"""Native kernels: what runs over long sequences, in C++ for the processor at hand; optional at run time.

NumPy arrays go in and come out, and nothing here loads JAX: `recurra.native.xla` makes the same functions part of its
programs. Without the compiled module, or with RECURRA_NATIVE=off, everything else works on the pure path: the kernels
are tested to give the same numbers. RECURRA_NATIVE=baseline, avx2 or avx512 asks for one instruction set.
"""

from recurra.native.status import Status, status, threads

__all__ = ["Status", "status", "threads"]
