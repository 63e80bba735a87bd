import shutil

import numpy as np
import pytest

import recurra
from recurra.cli import diagnose, main

FIT = ["fit", "wave.csv", "--learner", "rnn", "--set", "units=4", "--set", "epochs=1", "--set", "bptt_length=10"]
FIT += ["--set", "validation=0.0"]  # nothing to compile for it


@pytest.fixture(scope="module")
def finished(tmp_path_factory, wave_runs):
    t = 0.1 * np.arange(240)
    table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
    return wave_runs(tmp_path_factory.mktemp("finished"), table, FIT)


@pytest.fixture
def here(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_the_norms_are_those_of_the_products_of_w_and_slopes(here, results):
    found = results("diagnose", "run", "gradients", "--length", "20")["gradients"]
    model = recurra.load("run/model.safetensors")
    cell, frame = model.network_.model.cells[0], model.frame_
    U, W, b = (np.asarray(array, np.float64) for array in (cell.U, cell.W, cell.b))
    test = frame.scaled(recurra.read_series("wave.csv").split(0.8)[1])[0]
    h, chain = np.zeros(4), []
    for x in test[:-1]:
        h = np.tanh(U @ x + W @ h + b)
        chain.append((1 - h**2)[:, None] * W)
    assert found["data"] == "the test part"
    assert found["ends"] == [20, 47]
    norms = [
        [np.linalg.norm(np.linalg.multi_dot([*chain[e - k : e][::-1], np.eye(4)]), 2) for e in (20, 47)]
        for k in (1, 10, 20)
    ]
    assert list(found["norms"].values()) == pytest.approx([np.prod(pair) ** 0.5 for pair in norms], rel=1e-9)
    assert found["layers"][0]["norm"] == pytest.approx(np.linalg.norm(W, 2))
    page = (here / "run" / "diagnose-gradients.html").read_text("utf-8")
    assert found["words"] in page
    assert "<svg" in page
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")


def test_alone_it_runs_every_part_and_prints_the_standard_lags(here, capsys, monkeypatch):
    monkeypatch.setitem(diagnose.PARTS, "other", lambda case: diagnose.Finding("Other", "", {"a": 1}, "b", []))
    assert main(["diagnose", "run", "--steps", "500"]) == 0
    text = capsys.readouterr().out
    lags = [
        line.split()[0]
        for line in text.split("Gradients through time")[1].split("Memory")[0].splitlines()
        if line[:1].isdigit()
    ]
    assert lags == ["1", "3", "10", "50", "100"]
    for word in (
        "half-life",
        "verdict",
        "spectral radius",
        "saturated",
        "the training part",
        "run/diagnose.html",
    ):
        assert word in text


def test_a_part_that_does_not_exist_or_apply_is_refused(here, capsys):
    assert main(["diagnose", "run", "gradient"]) == 2
    assert "did you mean 'gradients'?" in capsys.readouterr().err
    assert main(["diagnose", "linear", "gradients"]) == 2
    assert "Linear is none" in capsys.readouterr().err
    assert main(["diagnose", "linear", "gates", "structure"]) == 2
    assert "nothing in this run can be diagnosed. gates: " in capsys.readouterr().err
    assert main(["diagnose", "run", "gradients", "--length", "2"]) == 2
    assert "'2' is no whole number of at least 3" in capsys.readouterr().err


def test_the_structure_is_that_of_the_model(here, results):
    found = results("diagnose", "run", "structure")["structure"]
    assert found["parameters"] == 4 * (2 + 4 + 1) + 2 * (4 + 1)
    assert [node["size"] for node in found["nodes"]] == [2, 4, 2]
    edges = [(edge["weights"], edge["recurrent"]) for edge in found["edges"]]
    assert sorted(edges) == [("U", False), ("V", False), ("W", True)]
    assert "<svg" in (here / "run" / "diagnose-structure.html").read_text("utf-8")


def test_gates_are_those_of_an_lstm_and_no_other_network_has_them(here, results, capsys):
    assert main(["fit", "wave.csv", "--learner", "lstm", *FIT[4:], "--out", "lstm"]) == 0
    capsys.readouterr()
    found = results("diagnose", "lstm", "gates")["gates"]
    model, series = recurra.load("lstm/model.safetensors"), recurra.read_series("wave.csv")
    assert found["data"] == "the training part"  # the test part has fewer than 100 rows
    keep = recurra.diagnostics.gates(model, series[:192])["cells/0"].keep
    assert found["mean"]["cells/0"]["keep"] == pytest.approx(float(keep.mean()), rel=1e-6)
    assert 0.5 < found["mean"]["cells/0"]["keep"] < 1  # the bias of the keep gate is 1 at the start
    assert main(["diagnose", "run", "gates"]) == 2
    assert "this model has none" in capsys.readouterr().err


def test_the_page_goes_where_out_says_and_replaces_nothing_unasked(here, capsys):
    words = ["diagnose", "run", "gradients", "--out", "page.html"]
    assert main(words) == 0
    assert "<a " not in (here / "page.html").read_text("utf-8")  # the report of the run is elsewhere
    assert not (here / "run" / "diagnose-gradients.html").exists()
    assert main(words) == 2
    assert main([*words, "--force"]) == 0


def test_of_an_equation_exponents_fixed_points_and_the_motion_are_told(here, results):
    found = results("diagnose", "system:henon-map", "--steps", "2000", "--out", "henon.html")
    assert sum(found["exponents"]["truth"]["exponents"]) == pytest.approx(np.log(0.3), abs=1e-9)
    places = np.array(found["fixed-points"]["truth"]["places"])
    x = (-0.7 + np.array([-1, 1]) * np.sqrt(0.7**2 + 4 * 1.4)) / 2.8  # 1 - a x^2 + b x = x
    np.testing.assert_allclose(np.sort(places[:, 0]), x, rtol=1e-9)
    assert found["behaviour"]["truth"]["kind"] == "chaotic"
    assert found["return-map"]["points"] == {"truth": 2000}
    assert "Lyapunov times" in found["limit"]
    page = (here / "henon.html").read_text("utf-8")
    assert page.count("<svg") == 4
    assert page.rindex("How long can it be forecast?") > page.rindex("Return map")


def test_what_was_found_is_added_to_the_report_of_the_run(tmp_path, monkeypatch, results, capsys):
    monkeypatch.chdir(tmp_path)
    words = [
        "fit",
        "system:lorenz63",
        "--learner",
        "esn",
        "--steps",
        "2000",
        "--set",
        "units=60",
        "--set",
        "data.dt=0.02",
    ]
    assert main([*words, "--out", "run"]) == 0
    assert "How long can it be forecast?" in (tmp_path / "run" / "report.html").read_text("utf-8")
    capsys.readouterr()
    found = results("diagnose", "run", "--steps", "2000")
    report = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "What has it learned?" in report
    assert found["limit"] in report
    assert '<a href="./diagnose.html">' in report
    assert '<a href="./report.html">' in (tmp_path / "run" / "diagnose.html").read_text("utf-8")
    assert sum(found["exponents"]["truth"]["exponents"]) == pytest.approx(-41 / 3, abs=0.01)  # the trace of the field
    assert not any(found["exponents"]["esn"]["trusted"][3:])
    places = np.array(found["fixed-points"]["truth"]["places"])
    np.testing.assert_allclose(np.sort(places[:, 0]), [-np.sqrt(72), 0, np.sqrt(72)], atol=1e-6)
    assert [line.split(":")[0] for line in found["left_out"]] == ["gradients", "structure", "gates"]


def test_of_several_that_forecast_together_the_best_with_a_state_is_looked_into(tmp_path, monkeypatch, results, capsys):
    monkeypatch.chdir(tmp_path)
    rows = np.sin(0.3 * np.arange(500)) + 0.1 * np.random.default_rng(0).normal(size=500)
    np.savetxt("noisy.csv", rows, header="x", comments="")
    words = ["fit", "noisy.csv", "--learner", "auto", "--set", "trials=9", "--set", 'of=["linear", "esn"]']
    assert main([*words, "--set", "horizon=20", "--out", "run"]) == 0
    model = recurra.load("run/model.safetensors")
    kinds = [member.kind for member in model.members_.estimators]
    number = kinds.index("esn")  # the best first
    assert len(kinds) > 1
    capsys.readouterr()
    found = results("diagnose", "run", "--steps", "1000")
    facts = {"learner": "esn", "number": number + 1, "members": len(kinds)}
    for part in ("exponents", "fixed-points"):
        assert found[part]["looked_into"] == facts
    own = recurra.diagnostics.lyapunov_spectrum(model.member(number), steps=1000, seed=0).exponents
    np.testing.assert_allclose(found["exponents"]["esn"]["exponents"], own, rtol=1e-9)
    assert set(found["behaviour"]) == {"auto", "truth"}  # of what forecasts
    assert "esn" in found["fixed-points"]
    assert main(["diagnose", "run", "exponents"]) == 0
    said = f"auto forecasts with {len(kinds)} models together. Looked into is number {number + 1}"
    if number == 0:
        said = f"auto forecasts with {len(kinds)} models together. Looked into is the best: esn, by itself."
    assert said in capsys.readouterr().out
    for page in ("diagnose.html", "diagnose-exponents.html"):
        assert said in (tmp_path / "run" / page).read_text("utf-8")


def test_of_a_single_model_that_a_search_chose_that_one_is_looked_into(tmp_path, monkeypatch, results, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["fit", "system:henon-map", "--learner", "auto", "--steps", "600", "--set", "trials=2"]
    assert main([*words, "--set", 'of=["esn"]', "--set", "members=1", "--out", "run"]) == 0
    capsys.readouterr()
    found = results("diagnose", "run", "behaviour", "exponents", "--steps", "1000")
    assert found["exponents"]["looked_into"] == {"learner": "esn", "number": 1, "members": 1}
    assert found["behaviour"]["auto"]["numbers"]["exponents"][0] == pytest.approx(
        found["exponents"]["esn"]["exponents"][0], abs=0.1
    )


def test_behind_a_filter_of_noise_the_network_on_its_own_output_is_looked_into(tmp_path, monkeypatch, results, capsys):
    monkeypatch.chdir(tmp_path)
    values = recurra.systems.HenonMap().simulate(900, seed=0).values
    noise = 0.002 * np.random.default_rng(0).normal(size=values.shape)
    np.savetxt("noisy.csv", values + noise, delimiter=",", header="x,y", comments="")
    words = ["fit", "noisy.csv", "--learner", "denoised", "--set", "of=linear", "--out", "linear"]
    settings = "settings={units = 60, spectral_radius = 0.1, input_scaling = 0.5, horizon = 10}"
    assert main(["fit", "noisy.csv", "--learner", "denoised", "--set", settings, "--out", "run"]) == 0
    capsys.readouterr()
    found = results("diagnose", "run", "exponents", "fixed-points", "--steps", "1000")
    facts = {"learner": "esn", "gain": recurra.load("run/model.safetensors").gain_}
    assert found["exponents"]["looked_into"] == found["fixed-points"]["looked_into"] == facts
    first = found["exponents"]["denoised"]["exponents"][0]
    assert first == pytest.approx(0.4192, rel=0.15)
    # the saddle within the attractor
    x = (-0.7 + np.sqrt(0.7**2 + 4 * 1.4)) / 2.8
    places = np.array(found["fixed-points"]["denoised"]["places"])
    assert np.abs(places[:, 0] - x).min() < 0.02
    assert "denoised filters noisy rows by the forecasts of the network behind" in (
        tmp_path / "run" / "diagnose.html"
    ).read_text("utf-8")
    assert main(words) == 0
    assert main(["diagnose", "linear", "exponents"]) == 2
    assert "and Denoised is none" in capsys.readouterr().err
