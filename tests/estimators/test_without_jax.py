"""Everything that an echo state network does runs without JAX."""

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
import recurra as rc

t = 0.1 * np.arange(300)
series = rc.Series(np.column_stack([np.sin(t), np.cos(1.3 * t)]), dt=0.1)
small = {"units": 20, "washout": 20}
for model in (
    rc.ESN(**small),
    rc.ESN(**small, readout="rls", forgetting=0.99, topology="cycle-jumps", readout_features="squares"),
    rc.ESN(**small, readout="force", plasticity=1, topology="orthogonal"),
    rc.Linear(max_order=3),
    rc.Persistence(),
    rc.Nearest(),
    rc.Seasonal(period=60),
    rc.Ensemble(members=2, settings=small),
):
    model.fit(series[:200])
    model.forecast(5)
    model.predict(series[200:])
    model.score(series[200:])
    model.backtest(series, 5, 3).table([1])
    model.save(sys.argv[1], overwrite=True)
    rc.load(sys.argv[1]).forecast(5)
heavy = {"jax", "jaxlib", "equinox", "matplotlib", "pandas"}
print(sorted(heavy & set(sys.modules)))
"""


def test_no_jax_no_matplotlib_no_pandas(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "model.safetensors")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


COMMANDS = """
import os, sys
import numpy as np
from recurra.cli import main

t = 0.1 * np.arange(300)
table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
np.savetxt("wave.csv", table, delimiter=",", header="t,x,v", comments="")
heavy = {"jax", "jaxlib", "equinox", "optax", "diffrax", "pandas"}
for words in (
    ["--help"],
    ["data", "wave.csv"],
    ["datasets"],
    ["fit", "wave.csv", "--out", "run", "--learner", "esn", "--set", "units=20", "--set", "washout=20"],
    ["forecast", "run", "--steps", "5", "--csv", "forecast.csv"],
    ["score", "run"],
    ["report", "run"],
):
    assert main([*words, "--quiet"] if words != ["--help"] else words) == 0, words
    assert not heavy & set(sys.modules), (words, heavy & set(sys.modules))
assert {"model.safetensors", "report.html"} <= set(os.listdir("run"))
"""


def test_no_command_on_an_echo_state_network_loads_jax(tmp_path):
    done = subprocess.run([sys.executable, "-c", COMMANDS], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


TRAINED = """
import sys
import numpy as np
import recurra as rc

rc.LSTM(units=2, epochs=1, bptt_length=5, validation=0).fit(np.sin(0.1 * np.arange(40))).forecast(3)
unused = {"diffrax", "matplotlib", "pandas", "lineax", "recurra.systems"}
unused |= {"scipy.optimize", "scipy.fft"}
print(sorted(unused & set(sys.modules)))
"""


def test_a_trained_network_loads_only_what_it_needs():
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
