"""When each kind of task answers, and what it refuses."""

import numpy as np
import pytest

from recurra.errors import ConfigError, DataError
from recurra.tasks import TASKS, TaskType

X = np.arange(1.0, 7.0).reshape(3, 2)


def test_many_to_one_answers_at_the_last_row():
    task = TaskType("many-to-one")
    np.testing.assert_array_equal(task.rows(X, 1), X)
    assert (task.first(3), task.answers(3)) == (2, 1)


def test_many_to_many_answers_at_every_row():
    task = TaskType("many-to-many")
    np.testing.assert_array_equal(task.rows(X, 3), X)
    assert (task.first(3), task.answers(3)) == (0, 3)


def test_one_to_many_runs_on_with_zeros():
    task = TaskType("one-to-many")
    np.testing.assert_array_equal(task.rows(X[:1], 3), [[1, 2], [0, 0], [0, 0]])
    assert (task.first(1), task.answers(1)) == (0, None)


def test_delayed_without_delay_begins_at_the_last_row_of_the_input():
    """Three in, then three out: five steps, the mark at the third to fifth."""
    task = TaskType("delayed")
    expected = [[1, 2, 0], [3, 4, 0], [5, 6, 1], [0, 0, 1], [0, 0, 1]]
    np.testing.assert_array_equal(task.rows(X, 3), expected)
    assert task.first(3) == 2


def test_delayed_waits_as_long_as_it_is_told():
    task = TaskType("delayed", 2)
    np.testing.assert_array_equal(task.rows(X, 1)[:, 2], [0, 0, 0, 0, 1])
    assert task.first(3) == 4


# Rows of the input, rows of the target (None: no time axis), and the task that these are.
SHAPES = [(7, None, "many-to-one"), (1, 7, "one-to-many"), (7, 7, "many-to-many"), (7, 3, "delayed")]


@pytest.mark.parametrize("asked", TASKS)
@pytest.mark.parametrize(("rows", "given", "fits"), SHAPES)
def test_a_wrong_shape_names_the_task_that_fits(asked, rows, given, fits):
    task = TaskType(asked)
    if asked == fits or (asked == "delayed" and given is not None):  # which may answer anything with a time axis
        task.check([rows], [given])
        return
    with pytest.raises(DataError, match=f"sequence 0: .*'{fits}'; you asked for '{asked}'"):
        task.check([rows], [given])


def test_the_message_says_both_numbers_of_rows():
    with pytest.raises(DataError) as caught:
        TaskType("many-to-one").check([4, 7], [None, 7])
    assert str(caught.value) == (
        "sequence 1: targets of 7 rows for inputs of 7 rows are 'many-to-many'; you asked for 'many-to-one'"
    )


@pytest.mark.parametrize(("name", "delay"), [("many-to-few", 0), ("many-to-many", 2), ("delayed", -1)])
def test_a_task_that_cannot_be_is_refused(name, delay):
    with pytest.raises(ConfigError):
        TaskType(name, delay)
