"""Tasks on paper, and what becomes of one that is tried."""

import pytest

from recurra.errors import ConfigError, Interrupted
from recurra.sweeps import Task, attempt


def go_on():
    pass


def test_a_task_is_its_json():
    task = Task("a-1", "work:double", {"of": 4, "and": [1.5, None]})
    assert Task.from_json(task.as_json()) == task


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("../x", "work:double"), "is no name of a task"),
        (("", "work:double"), "is no name of a task"),
        (("a", "work.double"), "write module:function"),
        (("a", "work:double", {"of": float("nan")}), "no plain JSON"),
        (("a", "work:double", {"of": b"bytes"}), "no plain JSON"),
        (("a", "work:double", {"of": "x" * 2**20}), "write them to a file"),
    ],
)
def test_what_is_no_task_is_refused(parts, said):
    with pytest.raises(ConfigError, match=said):
        Task(*parts)


def test_what_it_returns_or_raises_is_its_outcome():
    good = attempt(Task("a", "work:double", {"of": 4}), go_on)
    assert (good.value, good.reason) == (8, "")
    bad = attempt(Task("a", "work:fail"), go_on)
    assert (bad.value, bad.reason) == (None, "ValueError: no such thing")
    assert "in fail" in bad.details
    assert attempt(Task("a", "work:leave"), go_on).reason == "SystemExit: of its own will"
    assert attempt(Task("a", "nowhere:f"), go_on).reason == "ModuleNotFoundError: No module named 'nowhere'"
    assert attempt(Task("a", "work:nothing"), go_on).reason.startswith("AttributeError")
    assert attempt(Task("a", "work:no_json"), go_on).reason.startswith("TypeError")


def test_a_request_to_stop_is_no_outcome(tmp_path):
    def stop():
        raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        attempt(Task("a", "work:careful", {"home": str(tmp_path)}), stop)
    assert (tmp_path / "ended").exists()
