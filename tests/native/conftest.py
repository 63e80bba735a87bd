"""The kernels of the installation, or those of a build with sanitizers: RECURRA_TEST_KERNELS is its folder."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest


def _load(folder):
    for name in ("_kernels", "_ffi"):
        for path in Path(folder).glob(f"{name}.*so"):
            spec = importlib.util.spec_from_file_location(f"recurra.native.{name}", path)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)


if "RECURRA_TEST_KERNELS" in os.environ:
    _load(os.environ["RECURRA_TEST_KERNELS"])


@pytest.fixture(params=["baseline", "avx2", "avx512"])
def isa(request):
    """Each instruction set in turn that runs here."""
    from recurra.native import status
    from recurra.native.status import kernels

    if not status().active:
        pytest.skip(f"the native kernels do not run: {status().reason}")
    if request.param not in kernels().runnable():
        pytest.skip(f"{request.param} does not run on this processor")
    kernels().use(request.param)
    yield request.param
    kernels().use(status().isa)
