"""The seconds of a training: whose they are, and what a second attempt adds to."""

from recurra.sweeps import clock as clocks
from recurra.sweeps.clock import Clock, read_clock


def test_a_resumed_training_goes_on_counting(tmp_path, monkeypatch):
    now = iter([100.0, 103.0, 110.0, 500.0, 502.0])
    monkeypatch.setattr(clocks.time, "perf_counter", lambda: next(now))
    file = tmp_path / "clock.json"
    first = Clock(file)
    first.start()
    first.tell({"stage": "solving"})
    assert read_clock(file) == {}
    first.tell({"epoch": 10})
    first.tell({"epoch": 20})
    assert read_clock(file) == {10: 3.0, 20: 10.0}
    second = Clock(file)  # its checkpoint was that of epoch 20
    second.start()
    second.tell({"epoch": 30})
    assert read_clock(file) == {10: 3.0, 20: 10.0, 30: 12.0}


def test_one_that_starts_anew_forgets_the_old_times(tmp_path, monkeypatch):
    now = iter([0.0, 5.0, 50.0, 51.0])
    monkeypatch.setattr(clocks.time, "perf_counter", lambda: next(now))
    file = tmp_path / "clock.json"
    for seconds in (5.0, 1.0):
        clock = Clock(file)
        clock.start()
        clock.tell({"epoch": 10})
        assert read_clock(file) == {10: seconds}


def test_without_a_file_there_are_no_times(tmp_path):
    assert read_clock(tmp_path / "clock.json") == {}
