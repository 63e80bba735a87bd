"""Which kernels run: what is asked for by the environment, and an installation without a compiler."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recurra.native import status

ROOT = Path(__file__).parents[2]


def _doctor(**environment):
    words = [sys.executable, "-m", "recurra.cli", "doctor", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["results"]


def test_doctor_says_which_path_runs_and_why():
    found = _doctor(RECURRA_NATIVE="off")
    assert found["native"]["active"] is False
    assert found["native"]["reason"] == "RECURRA_NATIVE=off switches them off"
    assert found["native"]["isa"] is None
    assert any("no native kernels" in each["what"] for each in found["findings"])


@pytest.mark.skipif(not status().active, reason="the native kernels do not run")
def test_one_instruction_set_can_be_asked_for():
    found = _doctor(RECURRA_NATIVE="baseline", OMP_NUM_THREADS="1")
    assert found["native"] == {
        "active": True,
        "reason": "RECURRA_NATIVE=baseline asks for them",
        "isa": "baseline",
        "threads": 1,
    }


@pytest.mark.skipif(not status().active, reason="the native kernels do not run")
def test_what_is_not_there_is_refused():
    assert "choose baseline" in _doctor(RECURRA_NATIVE="avx9000")["native"]["reason"]
    words = [sys.executable, "-c", "import recurra.native; recurra.native.status()"]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "RECURRA_NATIVE": "avx9000"}, check=False
    )
    assert done.returncode != 0
    assert "asks for kernels that do not run here" in done.stderr


@pytest.mark.skipif(not status().active, reason="the native kernels do not run")
def test_networks_are_the_same_without_the_kernels(tmp_path):
    """The same fit on both paths: float64, so that they differ by rounding alone."""
    program = """
import sys, numpy as np, recurra as rc
wave = np.sin(0.3 * np.arange(150))
model = rc.GRU(units=6, epochs=3, bptt_length=20, precision="float64", validation=0).fit(wave)
esn = rc.ESN(units=30, washout=20, ridge=1e-6).fit(wave)
np.savez(sys.argv[1], gru=model.forecast(9).values, esn=esn.forecast(9).values)
"""
    for asked in ("off", "on"):
        words = [sys.executable, "-c", program, str(tmp_path / f"{asked}.npz")]
        subprocess.run(words, env={**os.environ, "RECURRA_NATIVE": asked}, check=True)
    off, on = (np.load(tmp_path / f"{asked}.npz") for asked in ("off", "on"))
    for name in ("gru", "esn"):
        np.testing.assert_allclose(on[name], off[name], rtol=0, atol=1e-9)


def test_without_a_compiler_the_build_succeeds(tmp_path):
    """CMake finds none on an empty path, says so, and configures an installation of no kernels."""
    cmake = shutil.which("cmake") or shutil.which("cmake", path=str(Path(sys.executable).parent))
    if cmake is None:
        pytest.skip("there is no cmake")
    make = shutil.which("make")
    words = [
        cmake,
        "-S",
        str(ROOT / "native"),
        "-B",
        str(tmp_path),
        f"-DCMAKE_MAKE_PROGRAM={make}",
        "-G",
        "Unix Makefiles",
    ]
    bare = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
    done = subprocess.run(words, capture_output=True, text=True, env={**bare, "PATH": str(tmp_path)}, check=False)
    assert done.returncode == 0, done.stderr
    assert "no C++ compiler was found" in done.stderr
    assert not list(tmp_path.glob("*kernels*"))
