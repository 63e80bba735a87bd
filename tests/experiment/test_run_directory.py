import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from recurra.errors import ConfigError, RunDirectoryError
from recurra.experiment import RunDirectory
from recurra.experiment.run_directory import CHECKPOINT, MODEL

CONFIG = {"learner": "esn", "data": {"source": "x", "dt": 0.1}}


def test_a_new_run_then_unfinished_then_finished(tmp_path):
    path = tmp_path / "deep" / "run"
    with RunDirectory(path, CONFIG) as run:
        assert not run.finished
        assert not run.resumed
        run.file(CHECKPOINT).touch()
    with RunDirectory(path, CONFIG) as run:
        assert not run.finished
        assert run.resumed
        run.finish({"score": 1.0}, ["recurra", "fit"])
        assert not run.file(CHECKPOINT).exists()
    with RunDirectory(path, CONFIG) as run:
        assert run.finished
        assert run.results == {"score": 1.0}


def test_force_starts_anew_and_touches_nothing_else(tmp_path):
    with RunDirectory(tmp_path / "run", CONFIG) as run:
        run.file(MODEL).touch()
        run.file("notes.txt").write_text("mine")
        run.finish({})
    with RunDirectory(tmp_path / "run", {"learner": "lstm"}, force=True) as run:
        assert not run.finished
        assert not run.resumed
        assert not run.file(MODEL).exists()
        assert run.file("notes.txt").read_text() == "mine"
    with RunDirectory(tmp_path / "run", {"learner": "lstm"}) as run:
        assert run.resumed


def test_another_configuration_is_refused_with_the_difference(tmp_path):
    with RunDirectory(tmp_path, CONFIG):
        pass
    other = {"learner": "esn", "data": {"source": "x", "dt": 0.2}}
    with (
        pytest.raises(ConfigError, match=r"data\.dt: 0\.1 there, 0\.2 now") as caught,
        RunDirectory(tmp_path, other),
    ):
        pass
    assert caught.value.exit_code == 2


def test_a_directory_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    for force in (False, True):
        with pytest.raises(ConfigError, match=r"thesis\.tex"), RunDirectory(tmp_path, CONFIG, force=force):
            pass
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_a_killed_writer_left_is_dropped(tmp_path):
    (tmp_path / ".recurra-00.tmp").write_text("half")
    with RunDirectory(tmp_path, CONFIG):
        assert not (tmp_path / ".recurra-00.tmp").exists()


def test_a_busy_directory_names_process_and_host(tmp_path):
    words = f"process {os.getpid()} on {socket.gethostname()}"
    with RunDirectory(tmp_path, CONFIG):
        with pytest.raises(RunDirectoryError) as caught, RunDirectory(tmp_path, CONFIG):
            pass
        assert words in str(caught.value)
        assert caught.value.exit_code == 6
    with RunDirectory(tmp_path, CONFIG):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = (
        "import os, sys; from recurra.experiment import RunDirectory\n"
        f"RunDirectory({str(tmp_path)!r}, {CONFIG!r}).__enter__(); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    with RunDirectory(tmp_path, CONFIG) as run:
        assert run.resumed
        with (tmp_path / ".lock").open() as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_path_that_cannot_be_a_directory(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "run", tmp_path / ("n" * 300), Path("/proc/run")):
        with (
            pytest.raises(RunDirectoryError, match="cannot be written") as caught,
            RunDirectory(path, CONFIG),
        ):
            pass
        assert caught.value.exit_code == 6


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(RunDirectoryError, match="Permission denied"),
            RunDirectory(tmp_path / "run", CONFIG),
        ):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_damaged_files_are_named(tmp_path):
    with RunDirectory(tmp_path, CONFIG) as run:
        run.file("metrics.json").write_text('{"complete": tru')
        with pytest.raises(RunDirectoryError, match=r"metrics\.json"):
            _ = run.finished
    (tmp_path / "config.toml").write_text("a = ")
    with pytest.raises(RunDirectoryError, match=r"config\.toml"), RunDirectory(tmp_path, CONFIG):
        pass


def test_a_refused_run_leaves_nothing_behind(tmp_path):
    with RunDirectory(tmp_path / "run", CONFIG) as run:
        run.log("started")
        run.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_another_process_removed_is_not_held(tmp_path, monkeypatch):
    path = tmp_path / "run"
    first = RunDirectory(path, CONFIG).__enter__()
    lock = fcntl.flock

    def flock(stream, how):
        # The first run is refused and gone between the opening of its lock file and the locking.
        if path.exists() and first._lock is not None:
            first.discard()
            first.__exit__(None, None, None)
        lock(stream, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with RunDirectory(path, CONFIG) as second:
        assert second.file("config.toml").exists()
        with pytest.raises(RunDirectoryError, match="is busy"), RunDirectory(path, CONFIG):
            pass


def test_a_finished_run_without_results_is_refused(tmp_path):
    with RunDirectory(tmp_path, CONFIG) as run:
        run.file("metrics.json").write_text('{"complete": true}')
        with pytest.raises(RunDirectoryError, match="holds no results"):
            _ = run.results
