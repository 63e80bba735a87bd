"""Full disks, missing permissions, closed streams, odd environments, two processes, a clock that goes back."""

import ast
import errno
import json
import os
import resource
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import recurra
from recurra.cli import main
from recurra.errors import ConfigError, RunDirectoryError
from recurra.estimators import memory
from recurra.storage import probe, write_atomic, write_checkpoint, write_model

FIT = ("fit", "wave.csv", "--learner", "esn", "--set", "units=30", "--set", "washout=10", "--set", "ridge=1e-6")
NETWORK = ("fit", "wave.csv", "--learner", "rnn", "--set", "units=4", "--set", "epochs=30", "--set", "bptt_length=8")
CLI = (sys.executable, "-m", "recurra.cli")
UNWRITABLE = ("wave.csv/run", "/proc/run", "/sys/run")  # below a file; where not even root can make one


def limited(size):
    """Files of this process may have so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def run(*words, **options):
    return subprocess.run([*CLI, *words], capture_output=True, text=True, check=False, **options)


# 46: the disk is full


@pytest.mark.bad_input(46)
@pytest.mark.parametrize("option", ["--out", "--csv"])
def test_a_full_device_is_named(wave, refusal, option):
    assert main([*FIT, "--out", "run", "--quiet"]) == 0
    error = refusal("forecast", "run", option, "/dev/full")
    assert (error["code"], error["kind"]) == (6, "RunDirectoryError")
    assert "/dev/full" in error["message"]
    assert os.strerror(errno.ENOSPC) in error["message"]
    assert Path("/dev/full").is_char_device()
    for words in (["score", "run", "--out", "/dev/full"], ["systems", "--out", "/dev/full"]):
        assert refusal(*words)["code"] == 6
    assert main(["forecast", "run", option, "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.bad_input(46)
@pytest.mark.parametrize("size", [0, 2000, 8000, 30_000])
def test_a_limit_on_files_leaves_what_stood_there(wave, size):
    assert main([*FIT, "--out", "run", "--quiet"]) == 0
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    Path("old.csv").write_text("precious")
    words = (["forecast", "run", "--steps", "2000", "--csv", "old.csv", "--force"], ["report", "run"])
    for each in words:
        done = run(*each, preexec_fn=limited(size))
        assert done.returncode == 6, done.stderr
        assert os.strerror(errno.EFBIG) in done.stderr
        assert "bytes are needed" in done.stderr or size == 0
        assert "Traceback" not in done.stderr
    assert Path("old.csv").read_text() == "precious"
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before
    assert sorted(path.name for path in Path().iterdir()) == ["old.csv", "run", "wave.csv"]


@pytest.mark.bad_input(46)
def test_a_full_disk_in_the_middle_of_a_run_and_room_later(wave, results_of):
    whole = results_of(*FIT, "--out", "whole")
    for size in (20, 2000, 8000, 12_000):
        done = run(*FIT, "--out", "run", preexec_fn=limited(size))
        assert done.returncode == 6, (size, done.stderr)
        assert not list(Path("run").glob("*.tmp"))
    assert results_of(*FIT, "--out", "run")["score"] == whole["score"]
    assert Path("run/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()


@pytest.fixture
def results_of(capsys):
    def results(*words):
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)["results"]

    return results


@pytest.mark.bad_input(46)
def test_the_message_has_the_numbers(tmp_path, monkeypatch):
    write_atomic(tmp_path / "a", b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1234})())
    words = r"100,000 bytes\).*intact; 100,000 bytes are needed and 1,234 are free on that disk: make room"
    with pytest.raises(RunDirectoryError, match=words):
        write_atomic(tmp_path / "a", bytes(100_000))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.bad_input(46)
def test_models_and_checkpoints_survive_a_full_disk(tmp_path):
    tensors = {"W": np.zeros(2000)}
    write_model(tmp_path / "m", {"W": np.ones(3)}, {"kind": "esn"})
    write_checkpoint(tmp_path / "c", {"W": np.ones(3)}, {"epoch": 1})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(RunDirectoryError, match="intact"):
            write_model(tmp_path / "m", tensors, {"kind": "esn"}, overwrite=True)
        with pytest.raises(RunDirectoryError, match="intact"):
            write_checkpoint(tmp_path / "c", tensors, {"epoch": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# 47: nowhere to write


@pytest.mark.bad_input(47)
@pytest.mark.parametrize("place", UNWRITABLE)
def test_a_place_that_cannot_be_written_is_found_before_the_work(wave, refusal, monkeypatch, place):
    assert main([*FIT, "--out", "run", "--quiet"]) == 0
    for name in ("recurra.estimators.esn.ESN.fit", "recurra.estimators.base.Estimator.forecast"):
        monkeypatch.setattr(name, None)  # calling it would fail
    monkeypatch.setattr("recurra.estimators.load", None)
    monkeypatch.setattr("recurra.examples.simple_sine.run", None)
    for words in (
        [*FIT, "--out", place],
        ["forecast", "run", "--csv", f"{place}/f.csv"],
        ["score", "run", "--out", f"{place}/s.json"],
        ["simulate", "lorenz63", "--steps", "100000000", "--out", f"{place}/l.csv"],
        ["example", "simple-sine", "--out", place],
        ["doctor", "--out", f"{place}/d.json"],
    ):
        error = refusal(*words)
        assert (error["code"], error["kind"]) == (6, "RunDirectoryError"), words
        assert place in error["message"]


@pytest.mark.bad_input(47)
@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_directory_that_takes_no_file(tmp_path, monkeypatch, code):
    real = os.open

    def refuse(path, flags, *rest):
        if flags & os.O_CREAT:
            raise OSError(code, os.strerror(code))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RunDirectoryError, match=os.strerror(code)):
        probe(tmp_path / "file")


@pytest.mark.bad_input(47)
def test_a_probe_leaves_nothing_and_a_directory_is_no_file(tmp_path):
    (tmp_path / "old").write_text("old")
    probe(tmp_path / "new")
    probe(tmp_path / "old")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old", "old")]
    with pytest.raises(RunDirectoryError, match="it is a directory"):
        probe(tmp_path)


# 48: two processes


@pytest.mark.bad_input(48)
def test_two_processes_on_one_directory(wave, refusal):
    code = "import sys, time; from recurra.experiment import RunDirectory\n"
    code += "with RunDirectory('run', {}): print('in', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "in\n"
        error = refusal(*FIT, "--out", "run")
        assert error["code"] == 6
        assert f"process {holder.pid} on {socket.gethostname()}" in error["message"]
        assert Path("run/config.toml").read_text() == ""
        holder.kill()
    Path("run/config.toml").unlink()
    assert Path("run/.lock").read_text() == f"process {holder.pid} on {socket.gethostname()}"
    assert main([*FIT, "--out", "run", "--quiet"]) == 0  # the lock of a dead process needs no cleaning


@pytest.mark.bad_input(48)
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    from recurra.experiment import RunDirectory

    def none(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(RunDirectoryError, match=os.strerror(errno.ENOLCK)), RunDirectory(tmp_path / "run", {}):
        pass


# 52: memory and devices


@pytest.mark.bad_input(52)
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--learner", "esn", "--set", "units=900000"), "a readout of 900002 features needs about"),
        (("--learner", "lstm", "--set", "units=100000"), "training 1 layers of 100000 units needs about"),
        (("--learner", "gru", "--set", "units=30000", "--set", "layers=9"), "training 9 layers of 30000 units"),
    ],
)
def test_what_cannot_fit_is_refused_with_the_numbers(wave, refusal, words, says):
    error = refusal("fit", "wave.csv", *words)
    assert error["code"] == 2
    assert says in error["message"]
    assert f"this machine has {memory.usable_memory() / 2**30:.0f}" in error["message"]


def test_the_estimate_of_a_training():
    """Ten copies of an LSTM's 4 n (n + f + 1) + n + 1 weights, and 14 numbers a unit and step."""
    n, f, steps = 100, 3, 32 * 50
    shapes = [(4 * n, f), (4 * n, n), (4 * n,), (1, n), (1,)]
    weights = 4 * n * (n + f + 1) + n + 1
    assert memory.training_bytes(shapes, n, 4, 1, steps) == 4 * (10 * weights + 14 * n * steps)


@pytest.mark.bad_input(52)
@pytest.mark.parametrize("text", ["9223372036854771712", "max", ""])
def test_the_memory_of_a_container(tmp_path, monkeypatch, text):
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    (tmp_path / "none").write_text(text)
    (tmp_path / "some").write_text("1048576\n")
    monkeypatch.setattr(memory, "_CONTAINER", (tmp_path / "none",))
    assert memory.usable_memory() == whole
    monkeypatch.setattr(memory, "_CONTAINER", (tmp_path / "absent", tmp_path / "some"))
    assert memory.usable_memory() == 2**20
    with pytest.raises(ConfigError, match="this machine has 0"):
        memory.refuse_beyond_memory(2**30, "this", "less")


class JaxRuntimeError(RuntimeError):
    """As JAX names its errors."""


@pytest.mark.bad_input(52)
@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 745. GiB for an array"),
        MemoryError(),
        JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1000 bytes.\nmore"),
    ],
)
def test_memory_that_runs_out_all_the_same(wave, refusal, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("recurra.estimators.base.fit_baselines", fail)
    found = refusal(*FIT, "--out", "run")
    assert found["code"] == 2
    assert found["message"].startswith("not enough memory")
    assert "recurra doctor" in found["message"]


@pytest.mark.bad_input(52)
def test_a_device_that_is_not_there(wave):
    done = run(*NETWORK, "--out", "run", env={**os.environ, "JAX_PLATFORMS": "cuda"})
    assert done.returncode == 2, done.stderr
    assert "JAX finds no device for JAX_PLATFORMS=cuda" in done.stderr
    assert "recurra doctor" in done.stderr


# 58: streams and the environment


@pytest.mark.bad_input(58)
@pytest.mark.parametrize("closed", ["2>&-", "0<&- 2>&-", "<&- >&- 2>&-", ">&-", "2>/dev/full"])
def test_closed_streams_are_quiet_and_do_no_harm(wave, closed):
    words = " ".join([*CLI, *FIT, "--out", "run", "--json", "--quiet"])
    done = subprocess.run(["bash", "-c", f"{words} {closed}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if ">&-" not in closed.replace("2>&-", ""):
        assert json.loads(done.stdout)["results"]["run"] == "run"
    assert Path("run/report.html").read_text().endswith("</html>\n")
    assert recurra.load("run/model.safetensors").kind == "esn"


@pytest.mark.bad_input(58)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("simulate noisy-sine --steps 100000 | head -n 1 >/dev/null", 141),
        ("fti --json | true", 141),
        ("systems > /dev/full", 6),
        ("simulate noisy-sine --steps 100000 --out >(head -c 1 >/dev/null)", 141),
        (f"{' '.join(FIT)} --out run 2>&1 >/dev/null | true", 0),
    ],
)
def test_a_reader_that_goes_away(wave, words, code):
    script = f"set -o pipefail; {' '.join(CLI)} {words}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode in ((code, 2) if "fti" in words else (code,)), done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stderr.count("\n") == (code == 6) + ("fti" in words)


@pytest.mark.bad_input(58)
@pytest.mark.parametrize("change", [{"HOME": None}, {"HOME": "/proc/self"}, {"HOME": "/nowhere"}])
def test_without_a_home_to_write_to(wave, change):
    clean = {name: value for name, value in os.environ.items() if name not in (*change, "MPLCONFIGDIR")}
    clean |= {name: value for name, value in change.items() if value is not None}
    done = run(*FIT, "--out", "run", "--quiet", env=clean)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("run/report.html").exists()
    assert sorted(path.name for path in Path().iterdir()) == ["run", "wave.csv"]


@pytest.mark.bad_input(58)
@pytest.mark.parametrize("language", [{"LANG": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_in_a_locale_that_cannot_spell_a_channel(tmp_path, language):
    (tmp_path / "θ.csv").write_text(
        "t,θ\n" + "".join(f"{0.1 * k},{np.sin(0.1 * k)!s}\n" for k in range(100)), encoding="utf-8"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    words = ("fit", "θ.csv", "--learner", "persistence", "--out", "run", "--json")
    done = subprocess.run([*CLI, *words], capture_output=True, check=False, cwd=tmp_path, env={**clean, **language})
    assert b"Traceback" not in done.stderr
    if "LANG" in language:  # Python then takes UTF-8
        assert json.loads(done.stdout)["results"]["channels"] == ["θ"]
        assert "θ" in (tmp_path / "run" / "forecast.csv").read_text(encoding="utf-8")
    else:  # there the name of the file is no text
        assert done.returncode == 2
        assert b"rename" in done.stderr
    missing = subprocess.run(
        [*CLI, "fit", "σ.csv"], capture_output=True, check=False, cwd=tmp_path, env={**clean, **language}
    )
    assert missing.returncode in (2, 3)
    assert b"Traceback" not in missing.stderr


# 60: a clock that goes back


class Back(datetime):
    """A clock that goes back an hour at every look."""

    looks = 0

    @classmethod
    def now(cls, tz=None):
        cls.looks += 1
        return datetime(2024, 6, 1, tzinfo=UTC) - timedelta(hours=cls.looks)


@pytest.mark.bad_input(60)
def test_a_clock_that_goes_back_changes_nothing(wave, results_of, monkeypatch):
    names = ("model.safetensors", "forecast.csv", "history.jsonl", "report.html", "metrics.json")
    results_of(*NETWORK, "--out", "run")
    os.rename("run", "whole")
    looks = []

    def earlier():
        looks.append(1)
        return 1e9 - 3600 * len(looks)

    monkeypatch.setattr(time, "time", earlier)
    monkeypatch.setattr("recurra.experiment.run_directory.datetime", Back)
    results_of(*NETWORK, "--out", "run")
    assert Back.looks > 2
    for name in names:
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()
    assert "-" not in Path("run/history.jsonl").read_text().replace("e-", "")  # nothing negative


def test_nothing_but_the_log_and_the_rows_of_benchmarks_reads_the_wall_clock():
    """Durations come from a monotonic clock; names and order of checkpoints from none; a row keeps the day."""
    found = set()
    for path in Path(recurra.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                "time.time",
                "time.time_ns",
                "datetime.now",
                "datetime.utcnow",
                "datetime.today",
                "date.today",
            ):
                found.add(path.name)
    assert found == {"run_directory.py", "rows.py"}
