import json

import numpy as np
import pytest

from recurra.cli import main


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


@pytest.fixture(scope="session")
def wave_runs():
    """Write wave.csv with the columns t, x, v, and make of it a run of a network and one of the linear baseline."""

    def made(path, table, fit):
        np.savetxt(path / "wave.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(path)
            assert main([*fit, "--out", "run"]) == 0
            assert main(["fit", "wave.csv", "--learner", "linear", "--out", "linear"]) == 0
        return path

    return made
