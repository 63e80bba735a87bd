"""Four rounds of `kill -9`, one for each command; `make kill ROUNDS=20` does more."""

import importlib.util
from pathlib import Path

import pytest


def harness():
    spec = importlib.util.spec_from_file_location("kill", Path(__file__).with_name("kill.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.bad_input(51)
def test_killed_at_random_moments_the_same_command_ends_with_the_same_bits(capsys):
    tool = harness()
    assert tool.kill(4, seed=1, names=("fit rnn", "fit esn", "example", "report")) == []
    assert capsys.readouterr().out.splitlines()[-1].startswith("4 of 4")
