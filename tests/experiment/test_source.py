import numpy as np
import pytest

from recurra.errors import ConfigError, DataError
from recurra.experiment import DataSpec, read_data, series_csv
from recurra.experiment.source import DEFAULT_STEPS, make_system
from recurra.series import Series


def test_a_file_is_read_with_its_options(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("when;x;F;y\n0;1;2;3\n0.5;4;5;6\n")
    spec = DataSpec(str(path), time="when", channels=["y", "x"], inputs=["F"], delimiter=";")
    series = read_data(spec)
    assert series.values.tolist() == [[3.0, 1.0], [6.0, 4.0]]
    assert series.inputs.values.tolist() == [[2.0], [5.0]]
    assert series.dt == 0.5


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="absent"):
        read_data(DataSpec(str(tmp_path / "absent.csv")))


def test_a_system_is_simulated_as_asked():
    spec = DataSpec("system:Lorenz63", steps=10, dt=0.02, seed=4, parameters={"rho": 14.0})
    series = read_data(spec)
    direct = make_system("lorenz63", {"rho": 14.0}).simulate(steps=10, dt=0.02, seed=4)
    assert len(series) == 11
    assert np.array_equal(series.values, direct.values)
    assert len(read_data(DataSpec("system:noisy-sine"))) == DEFAULT_STEPS + 1


@pytest.mark.parametrize("source", ["system:lorenz_63", "dataset:earth-rotatoin"])
def test_unknown_names_suggest_the_nearest(source):
    with pytest.raises(ConfigError, match=r"did you mean '(lorenz63|earth-rotation)'"):
        read_data(DataSpec(source))


def test_unknown_parameters_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'rho'"):
        read_data(DataSpec("system:lorenz63", parameters={"roh": 1.0}))
    with pytest.raises(ConfigError, match="rho"):
        read_data(DataSpec("system:lorenz63", parameters={"rho": "much"}))


def test_csv_comes_back_bit_for_bit(tmp_path):
    rng = np.random.default_rng(0)
    values = 1e-7 * rng.normal(size=(20, 2))
    series = Series(values, dt=0.1, channels=["x", "a, b"], inputs=rng.normal(size=20))
    path = tmp_path / "s.csv"
    path.write_text(series_csv(series))
    again = read_data(DataSpec(str(path), inputs=["u0"]))
    assert again.values.tobytes() == series.values.tobytes()
    assert again.times.tobytes() == series.times.tobytes()
    assert again.inputs.values.tobytes() == series.inputs.values.tobytes()
    assert again.channels == series.channels


def test_csv_of_dates_and_baselines(tmp_path):
    times = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[ns]")
    series = Series([1.0, 2.0], times=times, channels=["x"])
    text = series_csv(series, {"linear": Series([3.0, 4.0], times=times, channels=["x"])})
    assert text.splitlines()[0] == "time,x,linear:x"
    assert text.splitlines()[2] == "2026-01-02T00:00:00.000000000,2.0,4.0"
