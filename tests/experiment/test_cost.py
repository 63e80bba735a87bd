"""What a fit costs, against numbers counted by hand."""

import json

import numpy as np

import recurra as rc
from recurra.cli import main
from recurra.experiment.cost import cost, multiply_adds, peak_memory


def test_the_lectures_network_multiplies_each_of_its_weights_once_a_step():
    """32 units on one input, a layer of 8 and one output: 32 (1 + 32) + 8 x 32 + 8 products, as many weights."""
    from recurra.models import Stack, to_tensors

    assert multiply_adds(to_tensors(Stack.draw("elman", 1, 1, units=32, hidden=(8,), seed=0))) == 32 * 33 + 8 * 32 + 8
    work = [multiply_adds(to_tensors(Stack.draw("lstm", 1, 1, units=n, seed=0))) for n in (100, 200)]
    assert work == [4 * n * (n + 1) + n for n in (100, 200)]  # four times as much for twice the units


def test_a_reservoir_counts_the_entries_that_it_has():
    model = rc.ESN(units=50, in_degree=4, washout=10, ridge=1e-6, seed=0).fit(np.sin(0.3 * np.arange(200)))
    found = cost(model, seconds=2.0)
    assert found["multiply_adds_per_step"] == 50 * 4 + 50 * 1 + (1 + 50 + 1)  # W, W_in, and V on [1, y, h]
    assert (found["epochs"], found["seconds_per_epoch"], found["seconds"]) == (None, None, 2.0)


def test_memory_that_was_held_is_counted():
    block = np.ones(60_000_000)
    assert block.sum() == 6e7
    assert peak_memory() > block.nbytes


def test_a_run_keeps_its_cost_beside_its_versions(tmp_path, capsys):
    np.savetxt(tmp_path / "wave.csv", np.sin(0.3 * np.arange(120)), header="x", comments="")
    small = "--learner esn --set units=20 --set washout=10 --set ridge=1e-6"
    words = ["fit", str(tmp_path / "wave.csv"), *small.split()]
    assert main([*words, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    capsys.readouterr()
    found = json.loads((tmp_path / "run" / "env.json").read_text())
    assert {"versions", "cost"} <= set(found)
    assert found["cost"]["seconds"] > 0
    assert "numbers in the network" in (tmp_path / "run" / "run.log").read_text()
