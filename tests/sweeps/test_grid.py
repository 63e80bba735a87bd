"""Sweeps on paper: every combination once, and nothing that cannot work."""

import pytest

from recurra.errors import ConfigError
from recurra.sweeps import read_grid


@pytest.fixture
def sweep(tmp_path):
    def write(text):
        file = tmp_path / "sweep.toml"
        file.write_text('learner = "esn"\ndata.source = "system:lorenz63"\n' + text)
        return file

    return write


def test_every_combination_once_the_last_key_fastest(sweep):
    grid = read_grid(sweep('[grid]\nseed = [3, 4]\nunits = [50, 100]\n"data.steps" = [900]\n'))
    assert grid.keys == ("seed", "units", "data.steps")
    assert [tuple(row.settings.values()) for row in grid.rows] == [
        (3, 50, 900),
        (3, 100, 900),
        (4, 50, 900),
        (4, 100, 900),
    ]
    first = grid.rows[0].config
    assert (first.seed, first.parameters["units"], first.data.steps) == (3, 50, 900)
    assert len({row.name for row in grid.rows}) == 4


def test_learners_and_systems_may_vary(sweep):
    grid = read_grid(sweep('[grid]\nlearner = ["persistence", "esn"]\ndata.source = ["system:duffing", "a.csv"]\n'))
    assert [(row.config.learner, row.config.data.source) for row in grid.rows] == [
        ("persistence", "system:duffing"),
        ("persistence", "a.csv"),
        ("esn", "system:duffing"),
        ("esn", "a.csv"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"has no table \[grid\]"),
        ("grid = 3\n", r"has no table \[grid\]"),
        ("[grid]\nseed = 3\n", "grid.seed must be a list"),
        ("[grid]\nseed = []\n", "grid.seed must be a list"),
        ("[grid]\nunits = [50, -1]\n", "with {'units': -1}: ESN: `units` must be a whole number of at least 1"),
        ("[grid]\nuntis = [50]\n", "unknown parameter of esn 'untis': did you mean 'units'"),
        ("[grid]\nseed = [1, 1]\n", "are the same run"),
        ('[grid]\nlearner = ["persistence"]\nseed = [1, 2]\n', "are the same run"),
        (f"[grid]\nseed = {list(range(101))}\nunits = {list(range(1, 101))}\n", "asks for 10,100 runs"),
        ("[grid]\nseed = [1\n", "is not valid TOML"),
    ],
)
def test_what_cannot_work_is_refused(sweep, text, said):
    with pytest.raises(ConfigError, match=said):
        read_grid(sweep(text))


def test_out_of_core_is_the_same_grid_done_otherwise(tmp_path, sweep):
    given = 'learner = "esn"\ndata.source = "big.zarr"\n[parameters]\nridge = 1e-6\n[grid]\nunits = [20, 30]\n'
    file = tmp_path / "out.toml"
    file.write_text(f"out_of_core = true\n{given}")
    grid = read_grid(file)
    assert grid.out_of_core
    task = grid.task(grid.rows[1], tmp_path / "r", force=False)
    assert task.entry == "recurra.sweeps.out_of_core_row:out_of_core_row"
    assert task.arguments["config"]["parameters"]["units"] == 30
    assert "out_of_core" not in task.arguments["config"]
    file.write_text(given)
    assert read_grid(file).task(grid.rows[0], tmp_path / "r", force=True).entry == "recurra.sweeps.rows:fit_row"
    for line, said in (
        ("out_of_core = 1", "must be true or false"),
        ('out_of_core = true\nlearner = "linear"', "out of core an esn learns"),
        ('out_of_core = true\ndata.gaps = "mask"', "data.gaps has no meaning out of core"),
        ('out_of_core = true\nsplit_by = "trajectory"', "cut in time"),
    ):
        learner = "" if "learner" in line else 'learner = "esn"\n'
        file.write_text(f'{learner}{line}\ndata.source = "big.zarr"\n[grid]\nseed = [0]\n')
        with pytest.raises(ConfigError, match=said):
            read_grid(file)
