import json

import recurra
from recurra.cli import main
from recurra.estimators import LEARNERS


def test_systems(results):
    found = {entry["name"]: entry for entry in results("systems")["systems"]}
    assert set(found) == set(recurra.systems.catalogue())
    assert found["lorenz63"]["channels"] == ["x", "y", "z"]
    assert found["lorenz63"]["parameters"]["rho"] == 28.0


def test_datasets(results):
    (entry,) = [entry for entry in results("datasets")["datasets"] if entry["name"] == "earth-rotation"]
    assert entry["channels"] == ["x", "y"]


def test_learners(results, tmp_path):
    found = results("learners", "--out", str(tmp_path / "l.json"))["learners"]
    assert [entry["name"] for entry in found] == list(LEARNERS)
    assert {entry["name"]: entry for entry in found}["esn"]["parameters"]["spectral_radius"] == 0.9
    assert json.loads((tmp_path / "l.json").read_text()) == {"learners": found}


def test_text_has_one_line_each(capsys):
    assert main(["learners"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *LEARNERS]
