import json

import numpy as np
import pytest

from recurra.cli import main
from recurra.suites import SUITES, dysts


@pytest.fixture
def data(tmp_path):
    """Two systems as in the published file, and one that is left out."""
    t = np.arange(1200)
    waves = {"Wave": np.sin(0.05 * t), "Beat": np.sin(0.05 * t) + 0.5 * np.cos(0.031 * t), "AtmosphericRegime": t * 0.1}
    path = tmp_path / "systems.json"
    path.write_text(json.dumps({name: {"values": values.tolist()} for name, values in waves.items()}))
    return path


def test_list(results, capsys):
    found = results("bench", "--list")["suites"]
    assert [entry["name"] for entry in found] == list(SUITES)
    assert main(["bench"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["name", *SUITES]


def test_rows_are_kept_and_the_table_is_made_of_them(results, data, tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    words = ["bench", "dysts", "--data", str(data), "--learner", "linear", "--results", str(path)]
    found = results(*words)
    assert [row["part"] for row in found["seeds"]] == ["Beat", "Wave"]
    (smape, valid) = found["lines"]
    assert smape["name"] == "linear"
    assert smape["median"] < 1e-3  # two waves are exactly linear
    assert (valid["median"], valid["values"]) == (200.0, 2)
    assert found["seeds"][0]["command"] == "recurra bench dysts --learner 'linear' --data systems.json"
    before = path.read_bytes()
    assert results(*words) == found
    assert path.read_bytes() == before
    out = tmp_path / "table.json"
    assert results("bench", "dysts", "--table", "--results", str(path), "--out", str(out)) == found
    assert json.loads(out.read_text()) == found
    assert main(["bench", "dysts", "--table", "--markdown", "--results", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("| linear | sMAPE |")
    assert main(["bench", "dysts", "--table", "--results", str(path)]) == 0
    assert "N-BEATS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dyst"], "did you mean 'dysts'"),
        (["dysts"], "needs a file"),
        (["dysts", "--table"], "no results in"),
        (["lorenz", "--learner", "ngrc"], "did you mean 'ng-rc'"),
        (["lorenz", "--set", "a=1"], "has no settings"),
    ],
)
def test_what_is_refused(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *words]) == 2
    assert said in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[]", "{}", '{"A": {"values": [1, 2]}}', '{"A": {"points": []}}', "not JSON"])
def test_other_data_are_refused(text, tmp_path, capsys):
    path = tmp_path / "data.json"
    path.write_text(text)
    assert main(["bench", "dysts", "--data", str(path), "--results", str(tmp_path / "rows.jsonl")]) == 3
    assert "test_univariate__pts_per_period_100" in capsys.readouterr().err


def test_gzip_and_plain_files_are_alike(data, tmp_path):
    import gzip

    packed = tmp_path / "systems.json.gz"
    packed.write_bytes(gzip.compress(data.read_bytes()))
    for name, values in dysts.read(data).items():
        np.testing.assert_array_equal(dysts.read(packed)[name], values)
