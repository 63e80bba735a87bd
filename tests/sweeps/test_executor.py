"""Every way to do tasks gives the same answers, and what fails, dies or never ends is one of them."""

import ast
import signal
import sys
from pathlib import Path

import pytest

import recurra
from recurra.errors import ConfigError, Interrupted, MissingExtraError
from recurra.sweeps import InProcess, OnDask, Processes, Task, choose_executor


def reasons(executor, tasks):
    return {outcome.task.name: outcome.reason for outcome in executor.run(tasks)}


def test_in_process_one_after_the_other():
    tasks = [Task(f"t{k}", "work:double", {"of": k}) for k in range(3)]
    tasks.insert(1, Task("bad", "work:fail"))
    outcomes = list(InProcess().run(tasks))
    assert [(each.task.name, each.value) for each in outcomes] == [("t0", 0), ("bad", None), ("t1", 2), ("t2", 4)]
    assert outcomes[1].reason == "ValueError: no such thing"


@pytest.mark.bad_input(59)
def test_what_dies_or_never_ends_is_an_outcome_and_the_rest_runs(tmp_path):
    tasks = [
        Task("exits", "work:die"),
        Task("is-killed", "work:kill"),
        Task("never-ends", "work:hang", {"home": str(tmp_path)}),
        Task("fails", "work:fail"),
        Task("good", "work:double", {"of": 4}),
    ]
    outcomes = {each.task.name: each for each in Processes(tmp_path / "p", workers=2, limit=10).run(tasks)}
    assert {name: each.reason for name, each in outcomes.items()} == {
        "exits": "ended with code 3",
        "is-killed": "killed by SIGKILL",
        "never-ends": "stopped at the time limit",
        "fails": "ValueError: no such thing",
        "good": "",
    }
    assert outcomes["good"].value == 8
    assert "in fail" in outcomes["fails"].details
    assert not list((tmp_path / "p").iterdir())


def test_processes_are_asked_to_stop_and_waited_for(tmp_path):
    def check():
        if (tmp_path / "began").exists():
            raise Interrupted("stopped", signal_number=signal.SIGTERM)

    with pytest.raises(Interrupted):
        list(Processes(tmp_path / "p").run([Task("careful", "work:careful", {"home": str(tmp_path)})], check))
    assert (tmp_path / "ended").exists()
    assert [file.name for file in (tmp_path / "p").iterdir()] == ["careful.log"]


def test_two_tasks_of_one_name_are_refused(tmp_path):
    twins = [Task("a", "work:double", {"of": k}) for k in (1, 2)]
    for executor in (InProcess(), Processes(tmp_path), OnDask(tmp_path, workers=1)):
        with pytest.raises(ConfigError, match="'a'"):
            list(executor.run(twins))


def test_without_dask_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recurra\[dask\]'"):
        list(OnDask(tmp_path, workers=1).run([Task("a", "work:double", {"of": 1})]))


def test_leftovers_of_a_run_that_was_killed_are_removed(tmp_path):
    (tmp_path / "old.task").touch()
    (tmp_path / "old.answer").touch()
    assert reasons(Processes(tmp_path), [Task("good", "work:double", {"of": 1})]) == {"good": ""}
    assert not list(tmp_path.iterdir())


def test_options_choose(tmp_path):
    assert choose_executor(tmp_path) == InProcess()
    assert choose_executor(tmp_path, workers=3) == Processes(tmp_path, 3)
    assert choose_executor(tmp_path, limit=2.0) == Processes(tmp_path, 1, 2.0)
    assert choose_executor(tmp_path, dask=2, limit=9.0) == OnDask(tmp_path, 2, None, 9.0)
    file = tmp_path / "s.json"
    assert choose_executor(tmp_path, scheduler_file=file) == OnDask(tmp_path, None, file)
    for wrong, said in (
        ({"workers": 0}, "at least one"),
        ({"dask": 0}, "at least one"),
        ({"workers": 1, "dask": 1}, "choose one"),
        ({"limit": 0.0}, "positive"),
        ({"limit": float("nan")}, "positive"),
    ):
        with pytest.raises(ConfigError, match=said):
            choose_executor(tmp_path, **wrong)


def test_nothing_in_recurra_forks():
    """A fork after JAX has started hangs: processes are started anew."""
    home, found = Path(recurra.__file__).parent, []
    for path in home.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("fork", "forkpty", "ForkingPickler"):
                found.append(path.name)
            if isinstance(node, ast.Constant) and node.value in ("fork", "forkserver"):
                found.append(path.name)
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [path.name for name in names if name.partition(".")[0] == "multiprocessing"]
            last = getattr(node, "attr", getattr(node, "id", ""))  # of an attribute, or a name
            found += [path.name] if last.endswith("ProcessPoolExecutor") else []
    assert not found
