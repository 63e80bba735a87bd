"""The seconds of a training: whose they are, and what a second attempt adds to."""

from recurra.sweeps.clock import Clock, read_clock


def test_a_resumed_training_goes_on_counting(tmp_path):
    file = tmp_path / "clock.json"
    first = Clock(file)
    first.tell({"stage": "solving"})
    assert read_clock(file) == {}
    first.tell({"epoch": 10, "seconds": 3.0})
    first.tell({"epoch": 20, "seconds": 10.0})
    assert read_clock(file) == {10: 3.0, 20: 10.0}
    second = Clock(file)  # its checkpoint was that of epoch 20
    second.tell({"epoch": 30, "seconds": 2.0})
    second.tell({"epoch": 40, "seconds": 5.0})
    assert read_clock(file) == {10: 3.0, 20: 10.0, 30: 12.0, 40: 15.0}


def test_one_that_starts_anew_forgets_the_old_times(tmp_path):
    file = tmp_path / "clock.json"
    for seconds in (5.0, 1.0):
        Clock(file).tell({"epoch": 10, "seconds": seconds})
        assert read_clock(file) == {10: seconds}


def test_without_a_file_there_are_no_times(tmp_path):
    assert read_clock(tmp_path / "clock.json") == {}
