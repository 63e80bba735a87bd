import json

import numpy as np
import pytest

from recurra.cli import main


@pytest.fixture
def wave(tmp_path, monkeypatch):
    """A working directory with `wave.csv` in it."""
    t = 0.1 * np.arange(240)
    table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
    np.savetxt(tmp_path / "wave.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def results(capsys):
    """Run a command with --json; gives its results."""

    def run(*words):
        assert main([*words, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["schema"] == "recurra/1"
        assert document["command"] == words[0]
        assert set(document) == {"schema", "command", "results"}
        return document["results"]

    return run
