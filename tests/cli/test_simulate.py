import pytest

import recurra
from recurra.cli import main


def test_stdout_is_csv_that_reads_back(tmp_path, capsys):
    assert main(["simulate", "lorenz63", "--steps", "20", "--dt", "0.02", "--seed", "3", "--set", "rho=20"]) == 0
    (tmp_path / "l.csv").write_text(capsys.readouterr().out)
    series = recurra.read_series(tmp_path / "l.csv")
    direct = recurra.systems.Lorenz63(rho=20.0).simulate(steps=20, dt=0.02, seed=3)
    assert series.values.tolist() == direct.values.tolist()
    assert series.channels == ("x", "y", "z")


def test_json_and_configuration_file(tmp_path, results):
    (tmp_path / "c.toml").write_text('steps = 4\nmethod = "rk4"\nbeta = 2.0\n')
    found = results("simulate", "Lorenz63", "--config", str(tmp_path / "c.toml"))
    assert found["rows"] == len(found["time"]) == len(found["values"]["z"]) == 5
    assert found["system"] == "lorenz63"
    assert found["provenance"]["parameters"]["beta"] == 2.0
    assert found["provenance"]["method"] == "rk4"


def test_a_driven_system_writes_its_inputs(tmp_path):
    path = tmp_path / "d.csv"
    assert main(["simulate", "damped-oscillator", "--steps", "5", "--out", str(path)]) == 0
    series = recurra.systems.DampedOscillator().simulate(steps=5)
    names = ["time", *series.channels, *(series.inputs.channels if series.inputs is not None else ())]
    assert path.read_text().splitlines()[0] == ",".join(names)
    assert main(["simulate", "damped-oscillator", "--steps", "5", "--out", str(path)]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lorentz63"], "did you mean 'lorenz63'"),
        (["lorenz63", "--set", "rh=1"], "did you mean 'rho'"),
        (["lorenz63", "--set", "steps=a"], "whole number"),
        (["lorenz63", "--steps", "0"], "steps"),
        (["lorenz63", "--steps", "3", "--set", "steps=4"], "given twice"),
        (["lorenz63", "--method", "magic"], "magic"),
    ],
)
def test_refusals(words, message, capsys):
    assert main(["simulate", *words]) == 2
    assert message in capsys.readouterr().err


def test_json_holds_the_drive(results):
    found = results("simulate", "damped-oscillator", "--steps", "5")
    series = recurra.systems.DampedOscillator().simulate(steps=5)
    assert series.inputs is not None
    assert found["inputs"] == {"F": series.inputs.values[:, 0].tolist()}
    assert list(found["values"]) == list(series.channels)
    assert "inputs" not in results("simulate", "lorenz63", "--steps", "5")


def test_a_file_name_that_is_too_long(capsys):
    for words in ([], ["--force"]):
        assert main(["simulate", "lorenz63", "--steps", "5", "--out", "n" * 300, *words]) == 6
        assert "File name too long" in capsys.readouterr().err
