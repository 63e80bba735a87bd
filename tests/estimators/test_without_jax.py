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
