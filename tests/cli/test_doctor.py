import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pytest

import recurra
from recurra.cli import main
from recurra.experiment import health
from recurra.native import status, threads


def doctor(**environment):
    words = [sys.executable, "-m", "recurra.cli", "doctor", "--json"]
    variables = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    return subprocess.run(words, capture_output=True, text=True, env=variables, check=False)


def advice(found, word):
    return [each["advice"] for each in found["findings"] if word in each["what"]]


def test_what_it_says(results):
    found = results("doctor")
    assert found["recurra"]["version"] == recurra.__version__
    assert found["python"]["version"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert found["jax"]["version"] == version("jax") == found["versions"]["jax"]
    assert found["jax"]["devices"]
    assert found["jax"]["x64_by_default"] is False
    assert found["native"] == {**asdict(status()), "threads": threads()}
    assert found["precision"]["trained networks"] == "float32"
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert any(pool["internal_api"] == "openblas" for pool in found["blas"])
    assert found["disk"]["here"] == {
        "path": os.getcwd(),
        "free_bytes": found["disk"]["here"]["free_bytes"],
        "writable": True,
        "reason": None,
    }
    assert 0 < found["memory"]["available_bytes"] <= found["memory"]["usable_bytes"] * 1.01
    assert found["extras"]["report"]["packages"] == {"matplotlib": version("matplotlib")}
    assert found["extras"]["report"]["installed"] is True
    assert set(found["extras"]) >= {"datasets", "dev", "io", "report"}


def test_for_people(capsys, tmp_path):
    assert main(["doctor", "--out", str(tmp_path / "d.json")]) == 0
    shown = capsys.readouterr().out
    assert ("native, " if status().active else "not native: ") in shown
    assert f"JAX         {version('jax')} on cpu" in shown
    assert json.loads((tmp_path / "d.json").read_text())["native"]["active"] is status().active
    assert main(["doctor", "--out", str(tmp_path / "d.json")]) == 2


@pytest.mark.bad_input(52)
@pytest.mark.bad_input(58)
def test_without_a_device_without_home_without_a_place_to_write():
    done = doctor(JAX_PLATFORMS="cuda", HOME=None, TMPDIR="/proc")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["results"]
    assert advice(found, "jax could not be looked at")[0].startswith("unset JAX_PLATFORMS")
    assert "cuda" in found["jax"]["error"]
    assert found["home"]["reason"] == "HOME is not set"
    assert advice(found, "no home directory")
    assert found["threads"]["JAX_PLATFORMS"] == "cuda"


def test_where_compiled_programs_are(tmp_path):
    def found(**environment):
        done = doctor(**{"RECURRA_COMPILATION_CACHE": None, "XDG_CACHE_HOME": str(tmp_path), **environment})
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["results"]
        return found["compiled"], advice(found, "compiled programs are not kept")

    compiled, missing = found()
    directory = Path(compiled["directory"])
    assert (directory.parent, missing) == (tmp_path / "recurra" / "jax", [])
    (directory / "jit_f-0-cache").write_bytes(b"(" * 1000)
    facts = {"reason": "the default", "refused": False, "programs": 1, "bytes": 1000, "most_bytes": 2**29}
    assert found()[0] == {"directory": str(directory), **facts}
    off, missing = found(RECURRA_COMPILATION_CACHE="off")
    assert (off["directory"], off["reason"], missing) == (None, "RECURRA_COMPILATION_CACHE=off", [])
    directory.chmod(0o777)
    refused, (what_to_do,) = found()
    assert (refused["directory"], refused["refused"]) == (None, True)
    assert f"others can write to {directory} (mode 777)" in refused["reason"]
    assert what_to_do.startswith("set RECURRA_COMPILATION_CACHE to a directory that is yours alone")


@pytest.mark.bad_input(57)
def test_missing_packages_are_findings(results, monkeypatch):
    real = health._version
    monkeypatch.setattr(health, "_version", lambda package: None if package == "matplotlib" else real(package))
    found = results("doctor")
    assert found["extras"]["report"]["installed"] is False
    assert advice(found, "matplotlib is missing") == ["pip install 'recurra[report]'"]


def test_whatever_breaks_is_a_finding(results, capsys, monkeypatch):
    def broken(*_):
        raise OSError("the disk is on fire")

    for name in ("_jax", "_blas", "_memory", "_disk", "_home", "_caches", "_compiled", "_extras"):
        monkeypatch.setattr(health, name, broken)
    found = results("doctor")
    assert len([each for each in found["findings"] if "on fire" in each["what"]]) == 8
    assert main(["doctor"]) == 0
    assert "OSError: the disk is on fire" in capsys.readouterr().out


def test_little_room_is_a_finding(results, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**6})())
    assert advice(results("doctor"), "1,000,000 bytes free") == ["make room before a long run"] * 2
