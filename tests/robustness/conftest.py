"""Commands that are refused, and a finished run whose model file can be replaced."""

import json
import signal

import numpy as np
import pytest

import recurra
from recurra.cli import main
from recurra.errors import ModelFileError


@pytest.fixture
def refusal(capsys):
    """Run a command that is refused; gives its error."""

    def run(*words):
        code = main([*words, "--json"])
        error = json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
        assert error["code"] == code != 0
        return error

    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, and its good model file."""
    folder = tmp_path_factory.mktemp("run")
    t = 0.1 * np.arange(200)
    table = np.stack([t, np.sin(t)], axis=1)
    np.savetxt(folder / "wave.csv", table, delimiter=",", header="t,x", comments="")
    small = "--learner esn --set units=20 --set washout=10 --set ridge=1e-6"
    words = ["fit", str(folder / "wave.csv"), *small.split()]
    assert main([*words, "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def good(run):
    return (run / "model.safetensors").read_bytes()


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def no_hang():
    """A reader that waits is killed, not waited for."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def refused(no_hang, capsys):
    """Check that a run's model file is refused by `recurra.load` and by the command line, and that nothing ran."""

    def check(run, canary, says):
        with pytest.raises(ModelFileError, match=r"model\.safetensors|baseline") as caught:
            recurra.load(run / "model.safetensors")
        assert says in str(caught.value)
        assert main(["forecast", str(run), "--json"]) == 5
        shown = capsys.readouterr()
        error = json.loads(shown.out)["error"]
        assert (error["code"], error["kind"], error["message"]) == (5, "ModelFileError", str(caught.value))
        assert main(["score", str(run)]) == 5
        assert not canary.exists()
        assert "Traceback" not in shown.err

    return check
