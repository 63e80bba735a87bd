"""The cache of compiled programs: private, off where it cannot be, whole files only, the same bits."""

import ast
import json
import os
import stat
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from recurra import compilation
from recurra.compilation import VARIABLE, private_directory
from recurra.errors import RecurraWarning

SOURCE = Path(compilation.__file__).parent
NAME = f"jaxlib-9.9-{os.uname().machine}-{compilation.processor()}"


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """The user's directory of caches, which is not there yet; no directory is named."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches"


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


# Where it is


@pytest.mark.parametrize("named", [None, "on"])
def test_the_default_is_private_and_made_where_it_is_missing(caches, monkeypatch, named):
    if named:
        monkeypatch.setenv(VARIABLE, named)
    old = os.umask(0)  # the most that a user can let others do
    try:
        kept = private_directory("9.9")
    finally:
        os.umask(old)
    assert kept == (str(caches / "recurra" / "jax" / NAME), "the default", False)
    for each in (Path(kept.directory), *list(Path(kept.directory).parents)[:3]):
        assert (mode(each), each.stat().st_uid) == (0o700, os.geteuid())


def test_without_a_directory_of_caches_it_is_below_the_home(tmp_path, caches, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for relative in ("", "somewhere"):  # as the specification of these directories demands
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert private_directory("9.9").directory == str(tmp_path / ".cache" / "recurra" / "jax" / NAME)


def test_a_directory_of_ones_choice(tmp_path, caches, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "~/mine")
    assert private_directory("9.9") == (str(tmp_path / "mine" / NAME), VARIABLE, False)
    assert mode(tmp_path / "mine") == mode(tmp_path / "mine" / NAME) == 0o700
    assert not caches.exists()


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "false"])
def test_off(caches, monkeypatch, word):
    monkeypatch.setenv(VARIABLE, word)
    assert private_directory("9.9") == (None, f"{VARIABLE}={word}", False)
    assert not caches.exists()


def test_machines_that_are_not_alike_share_nothing(caches, monkeypatch):
    found = {private_directory("9.9").directory, private_directory("9.10").directory}
    real = open

    def other(path, *words, **options):
        if path == "/proc/cpuinfo":
            return real(other_cpu, *words, **options)
        return real(path, *words, **options)

    other_cpu = caches / "cpuinfo"
    monkeypatch.setattr("builtins.open", other)
    for about in ("flags : sse2 avx\n\n", "flags : sse2 avx avx2\n\n", "flags : sse2 avx avx2\n\nflags : sse2\n"):
        other_cpu.write_text(about)
        found.add(private_directory("9.9").directory)
    assert len(found) == 4  # the last two differ in nothing that the first processor says
    other_cpu.unlink()
    monkeypatch.setattr("platform.node", lambda: "here")
    here = private_directory("9.9").directory
    monkeypatch.setattr("platform.node", lambda: "there")
    assert len({here, private_directory("9.9").directory} | found) == 6
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(77)), raising=False)
    assert private_directory("9.9").directory not in found


# Where it is refused


def refused(why, *, warns=True):
    """It is off, with a reason; said aloud where somebody else could write there."""
    if warns:
        with pytest.warns(RecurraWarning, match=rf"not kept: .*{why}.*with {VARIABLE}, or set it to off"):
            kept = private_directory("9.9")
    else:
        kept = private_directory("9.9")
    assert kept.directory is None
    assert kept.refused
    assert why in kept.reason
    return True


@pytest.mark.parametrize("permissions", [0o720, 0o702, 0o777, 0o1777])
@pytest.mark.parametrize("which", ["recurra/jax", f"recurra/jax/{NAME}"])
def test_others_can_write_there(caches, permissions, which):
    assert private_directory("9.9").directory
    (caches / which).chmod(permissions)
    assert refused("others can write to")
    (caches / which).chmod(0o700)
    assert private_directory("9.9").directory


def test_others_could_replace_it(caches, tmp_path):
    caches.mkdir()
    caches.chmod(0o777)
    assert refused("and so replace")
    caches.chmod(0o1777)  # as the directory for temporary files: others may add, and remove only what is theirs
    assert private_directory("9.9").directory


def test_a_group_can_replace_it_unless_it_is_the_users_own(caches, monkeypatch):
    caches.mkdir()
    caches.chmod(0o770)
    monkeypatch.setattr("grp.getgrgid", lambda number: type("Group", (), {"gr_name": "staff"})())
    assert refused("and so replace")
    monkeypatch.setattr("pwd.getpwuid", lambda number: type("User", (), {"pw_name": "staff"})())
    assert private_directory("9.9").directory


def test_it_belongs_to_somebody_else(caches, monkeypatch):
    assert private_directory("9.9").directory
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    assert refused(f"belongs to user {os.getuid()}, not to you")


@pytest.mark.parametrize("which", ["recurra/jax", f"recurra/jax/{NAME}"])
def test_links_are_followed_to_what_is_ones_own_alone(caches, tmp_path, which):
    link, target = caches / which, tmp_path / "target"
    link.parent.mkdir(parents=True, mode=0o700)
    target.mkdir(mode=0o700)
    link.symlink_to(target)
    assert private_directory("9.9").directory == str(caches / "recurra" / "jax" / NAME)
    target.chmod(0o703)
    assert refused("others can write to")


def test_a_link_to_what_is_somebody_elses(caches, tmp_path):
    target = Path("/usr")
    if os.geteuid() == 0:
        target = tmp_path / "target"
        target.mkdir(mode=0o700)
        os.chown(target, 65534, -1)
    (caches / "recurra").mkdir(parents=True)
    (caches / "recurra" / "jax").symlink_to(target)
    assert refused(f"{target} belongs to user {target.stat().st_uid}, not to you")
    assert NAME not in os.listdir(target)


def test_what_cannot_be_made_or_written_is_off_without_a_word(caches, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")  # where not even root can make a directory
    assert refused("no directory can be made", warns=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches))
    caches.write_text("a file")
    assert refused("no directory can be made", warns=False)
    caches.unlink()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert refused("cannot be written", warns=False)


def test_a_choice_that_cannot_be_had_is_said(tmp_path, caches, monkeypatch):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o775)
    for named, why in (
        ("/proc/x", "no directory can be made"),
        ("here", "not an absolute path"),
        ("shared", "write to"),
    ):
        monkeypatch.setenv(VARIABLE, str(tmp_path / named) if named == "shared" else named)
        assert refused(why)
    assert not caches.exists()
    assert os.listdir(tmp_path / "shared") == []


# What is in it


def written(path, data, age=0.0):
    path.write_bytes(data)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_programs_that_were_not_written_to_their_end_are_removed(caches):
    directory = Path(private_directory("9.9").directory)
    whole = zlib.compress(np.random.default_rng(0).bytes(3000))
    kept = [written(directory / f"{name}-cache", data) for name, data in (("a", whole), ("b", b"(another format"))]
    kept += [written(directory / name, b"") for name in ("c-atime", "d")]
    broken = [written(directory / f"{k}-cache", whole[:k]) for k in (0, 1, 2, 1000, len(whole) - 1)]
    broken.append(written(directory / "e-cache", whole[:50] + b"other" + whole[55:]))
    assert private_directory("9.9").directory == str(directory)
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in broken)


def test_programs_are_looked_through_once(caches, monkeypatch):
    directory = Path(private_directory("9.9").directory)
    written(directory / "a-cache", zlib.compress(b"a program"), age=60)
    private_directory("9.9")
    monkeypatch.setattr(compilation, "_whole", None)  # calling it would fail
    os.utime(directory)
    assert private_directory("9.9").directory


def test_the_least_used_go_where_there_are_too_many(caches, monkeypatch):
    monkeypatch.setattr(compilation, "MOST_BYTES", 1000)
    here = Path(private_directory("9.9").directory)
    there, foreign = here.parent / "jaxlib-1.0-other", here.parent / "mine"
    there.mkdir()
    foreign.mkdir()
    files = [written(where / f"{age}-cache", b"(" * 300, 3600 * age) for age, where in enumerate([here, there] * 3, 1)]
    others = [written(foreign / "z-cache", b"(" * 5000, 10**6), written(here / "notes", b"(" * 5000, 10**6)]
    private_directory("9.9")
    assert all(path.exists() for path in files)  # once a day
    os.utime(here.parent / ".checked", (0, 0))
    private_directory("9.9")
    assert [path.exists() for path in files] == [True] * 3 + [False] * 3
    assert all(path.exists() for path in others)


def test_tidying_up_that_fails_is_no_reason_to_keep_nothing(caches, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "touch", full)
    assert private_directory("9.9").directory


# What JAX does with it

SETTINGS = """
import json, sys
import jax
from recurra.compilation import keep_programs

found = []
for options in json.loads(sys.argv[1]):
    for name, value in options.items():
        jax.config.update(name, value)
    found.append([*keep_programs.__wrapped__(), jax.config.jax_persistent_cache_min_compile_time_secs,
                  jax.config.jax_persistent_cache_min_entry_size_bytes, jax.config.jax_compilation_cache_dir,
                  jax.config.jax_enable_x64])
print(json.dumps(found))
"""


def python(code, *words, caches, **variables):
    """A fresh interpreter with its own caches."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(caches), **variables}
    environment.pop(VARIABLE, None)
    command = [sys.executable, "-c", code, *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process):
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return json.loads(out)


def test_what_the_user_set_in_jax_stays(caches):
    none = {"jax_compilation_cache_dir": None, "jax_enable_compilation_cache": True}
    own = {"jax_persistent_cache_min_compile_time_secs": 3.0, "jax_persistent_cache_min_entry_size_bytes": 10}
    off, named = {"jax_enable_compilation_cache": False}, {"jax_compilation_cache_dir": "/nowhere"}
    found = answer(python(SETTINGS, json.dumps([off, none | named, none | own, none | own]), caches=caches))
    assert found[0] == [None, "JAX's own option jax_enable_compilation_cache is off", False, 1.0, 0, None, False]
    assert found[1] == ["/nowhere", "JAX's own option jax_compilation_cache_dir", False, 1.0, 0, "/nowhere", False]
    assert found[2][1:5] == ["the default", False, 3.0, 10]
    assert found[2][0] == found[2][5]
    assert Path(found[2][0]).parent == caches / "recurra" / "jax"
    default = answer(python(SETTINGS, "[{}]", caches=caches))
    assert default[0][3:5] == [0.0, -1]
    variable = answer(python(SETTINGS, "[{}]", caches=caches, JAX_COMPILATION_CACHE_DIR="/nowhere"))
    assert variable == found[1:2]


FIT = """
import json, sys
from jax import monitoring
compiled, loaded = [], []

def took(event, seconds, **facts):
    if event.endswith("backend_compile_duration"):
        compiled.append(facts["fun_name"])

def happened(event, **facts):
    if event.endswith("cache_hits"):
        loaded.append(event)

monitoring.register_event_duration_secs_listener(took)
monitoring.register_event_listener(happened)
import numpy as np
import recurra as rc

series, bits = np.sin(0.1 * np.arange(120)), []
settings = {"units": 3, "epochs": 2, "bptt_length": 10, "validation": 0}
for model in (rc.LSTM(**settings), rc.RNN(**settings, precision="float64")):
    bits.append(model.fit(series).forecast(8).values.tobytes().hex())
print(json.dumps({"compiled": compiled, "loaded": len(loaded), "bits": bits}))
"""


def functions_of_recurra():
    """As JAX calls the programs of the functions that are defined in the package."""
    trees = (ast.parse(path.read_text()) for path in SOURCE.rglob("*.py"))
    return {f"jit({node.name})" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_programs_are_compiled_once_and_run_to_the_same_bits(caches):
    """Two processes at once; then one that finds all programs, one of them cut off where a process was killed."""
    both = [python(FIT, caches=caches) for _ in range(2)]
    first, beside = (answer(process) for process in both)
    assert beside["bits"] == first["bits"]
    assert set(first["compiled"]) <= functions_of_recurra()  # no `jit(broadcast_in_dim)`: an array made outside of them
    (directory,) = (caches / "recurra" / "jax").glob("jaxlib-*")
    programs = {path: path.read_bytes() for path in directory.glob("*-cache")}
    assert len(programs) == len(first["compiled"]) >= 2
    assert all(compilation._whole(path) for path in programs)
    cut = min(programs)
    cut.write_bytes(programs[cut][:-100])
    later = answer(python(FIT, caches=caches))
    assert later["bits"] == first["bits"]
    assert later["loaded"] == len(later["compiled"]) - 1
    assert set(directory.glob("*-cache")) == set(programs)
    assert compilation._whole(cut)
