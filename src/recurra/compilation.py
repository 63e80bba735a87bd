"""JAX's cache of compiled programs between processes: on by default, in a private directory of the user.

A program that was compiled once is loaded the next time, which takes a tenth of the time or less. What is loaded is
machine code, and it is run: whoever can write to the directory can run code as the user. So it belongs to the user,
nobody else may write to it, and its name has the version of jaxlib and the processor, so that machines of different
kinds that share a home never load each other's programs. Where that cannot be had the cache is off, and
`recurra doctor` says why.

`RECURRA_COMPILATION_CACHE=off` switches it off, `RECURRA_COMPILATION_CACHE=/a/directory` puts it there. Whoever has set
JAX's own options (`JAX_COMPILATION_CACHE_DIR`, `JAX_ENABLE_COMPILATION_CACHE`) keeps them.
"""

import hashlib
import os
import platform
import stat
import warnings
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from recurra.errors import RecurraWarning

VARIABLE = "RECURRA_COMPILATION_CACHE"
MOST_BYTES = 2**29  # of all programs of a user: a network takes about 200 kB
_OFF, _ON = ("off", "0", "no", "false"), ("on", "1", "yes", "true")
_CHECKED = ".checked"  # touched when the programs were last looked through
_DAY = 86_400.0  # seconds from one look at the size to the next
_COARSE = 2.0  # seconds between two times that a file system can tell apart, at most


class Kept(NamedTuple):
    """Where compiled programs are kept between processes.

    Args:
        directory: the directory that JAX reads and writes, None where nothing is kept.
        reason: whose choice that is, or why nothing is kept.
        refused: whether there is none because none is safe to use, or none can be made.
    """

    directory: str | None
    reason: str
    refused: bool = False


@cache
def keep_programs() -> Kept:
    """Let JAX keep its compiled programs in a private directory, unless the user or JAX's own options say otherwise.

    Called by the two parts of recurra through which all others load JAX, once in a process.

    Returns:
        The directory, or why there is none.

    Warns:
        RecurraWarning: a directory that `RECURRA_COMPILATION_CACHE` names, or one to which others can write, is not
            used.
    """
    import jax
    import jaxlib

    config: Any = jax.config
    if not config.jax_enable_compilation_cache:
        return Kept(None, "JAX's own option jax_enable_compilation_cache is off")
    if config.jax_compilation_cache_dir:
        return Kept(str(config.jax_compilation_cache_dir), "JAX's own option jax_compilation_cache_dir")
    found = private_directory(jaxlib.__version__)  # pyright: ignore[reportPrivateImportUsage]
    if found.directory is None:
        return found
    # Only what the user has not set: JAX by itself keeps no program that took less than a second to compile.
    if config.jax_persistent_cache_min_compile_time_secs == 1.0:
        config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if config.jax_persistent_cache_min_entry_size_bytes == 0:
        config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    config.update("jax_compilation_cache_dir", found.directory)
    return found


def private_directory(jaxlib: str) -> Kept:
    """The directory for programs of this machine, made and looked at; JAX is not told of it.

    Args:
        jaxlib: version of jaxlib.
    """
    named = os.environ.get(VARIABLE, "")
    if named.lower() in _OFF:
        return Kept(None, f"{VARIABLE}={named}")
    if named.lower() in _ON:
        named = ""
    try:
        home = Path(named).expanduser() if named else _user_caches() / "recurra" / "jax"
        if not home.is_absolute():
            return _refused(named, f"{home} is not an absolute path", warn=bool(named))
        directory = home / f"jaxlib-{jaxlib}-{platform.machine()}-{processor()}"
        for each in (home,) if named else (home.parents[1], home.parent, home):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        why = _not_private(home) or _exposed(home)
        if why is None:
            directory.mkdir(mode=0o700, exist_ok=True)
            why = _not_private(directory)
    except (OSError, RuntimeError) as error:
        return _refused(named, f"no directory can be made: {error}", warn=bool(named))
    if why is not None:
        return _refused(named, why, warn=True)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return _refused(named, f"{directory} cannot be written", warn=bool(named))
    with suppress(OSError):  # another process tidies up at the same time, or the disk is full: nothing depends on it
        _tidy(home, directory)
    return Kept(str(directory), VARIABLE if named else "the default")


def processor() -> str:
    """Twelve characters that differ where machine code, or how it divides its work, may differ.

    >>> processor() == processor(), len(processor())
    (True, 12)
    """
    fields = {"vendor_id", "cpu family", "model", "flags", "CPU implementer", "CPU part", "Features", "isa"}
    about = []
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:  # of the first processor: a large machine has hundreds of them
            if not line.strip():
                break
            if line.partition(":")[0].strip() in fields:
                about.append(line)
    if not about:  # nothing to read: programs of this machine alone
        about = [platform.processor(), platform.node()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return hashlib.sha256("\n".join([*about, str(cores)]).encode()).hexdigest()[:12]


def programs_in(directory: str | os.PathLike[str]) -> list["os.DirEntry[str]"]:
    """The files of a directory that are compiled programs."""
    with os.scandir(directory) as found:
        return [each for each in found if each.name.endswith("-cache")]


def _user_caches() -> Path:
    """XDG_CACHE_HOME where it is absolute, as its specification demands, or ~/.cache."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path.home() / ".cache"


def _refused(named: str, why: str, *, warn: bool) -> Kept:
    if warn:
        advice = "make it yours alone (chmod 700), name another" if named else "name another directory"
        message = f"compiled programs are not kept: {why}; {advice} with {VARIABLE}, or set it to off"
        warnings.warn(message, RecurraWarning, stacklevel=2)
    return Kept(None, why, refused=True)


def _not_private(path: Path) -> str | None:
    """Why somebody else could put a program there: None where nobody can."""
    for each, found in ((path, path.lstat()), (path.resolve(), path.stat())):  # a link, and what it leads to
        if found.st_uid != os.geteuid():
            return f"{each} belongs to user {found.st_uid}, not to you"
    if not stat.S_ISDIR(found.st_mode):
        return f"{path} is not a directory"
    if found.st_mode & 0o022:
        return f"others can write to {path} (mode {stat.S_IMODE(found.st_mode):o})"
    return None


def _exposed(home: Path) -> str | None:
    """Why somebody else could put another directory in the place of this one: None where nobody can."""
    for each in {*home.parents, *home.resolve().parents}:
        found = each.stat()
        sticky = found.st_mode & stat.S_ISVTX and found.st_uid in (0, os.geteuid())
        if not sticky and (found.st_mode & 0o002 or (found.st_mode & 0o020 and not _own_group(found))):
            return f"others can write to {each} (mode {stat.S_IMODE(found.st_mode):o}), and so replace {home}"
    return None


def _own_group(found: os.stat_result) -> bool:
    """Whether the group is the private one of its owner, as many systems make for every user."""
    import grp
    import pwd

    with suppress(KeyError):
        return grp.getgrgid(found.st_gid).gr_name == pwd.getpwuid(found.st_uid).pw_name
    return False


def _tidy(home: Path, directory: Path) -> None:
    """Remove programs that were not written to their end, and once a day those least used, beyond the most bytes."""
    stamp, sized = directory / _CHECKED, home / _CHECKED
    last = stamp.stat().st_mtime if stamp.exists() else 0.0
    stamp.touch()  # before the look, by the clock of the disk: what is written meanwhile is looked at next time
    if directory.stat().st_mtime >= last - _COARSE:  # a new program changes the time of its directory
        for each in programs_in(directory):
            if each.stat().st_mtime >= last - _COARSE and not _whole(Path(each.path)):
                os.unlink(each.path)  # JAX would warn of it in every process, and never replace it
    if not sized.exists() or stamp.stat().st_mtime - sized.stat().st_mtime >= _DAY:
        _shrink(home)
        sized.touch()


def _whole(program: Path) -> bool:
    """Whether a program was written to its end: JAX writes in place, and a process can be killed in between."""
    data = program.read_bytes()
    if data[:1] != b"\x78":  # not compressed by zlib
        return len(data) > 0
    reader = zlib.decompressobj()
    try:
        reader.decompress(data)
    except zlib.error:
        return False
    return reader.eof


def _shrink(home: Path) -> None:
    """Remove the programs least used, of all machines and versions, beyond the most bytes."""
    used = []
    for machine in home.glob("jaxlib-*"):
        for each in programs_in(machine):
            facts = each.stat()
            used.append((max(facts.st_atime, facts.st_mtime), facts.st_size, each.path))
    total = sum(size for _, size, _ in used)
    for _, size, path in sorted(used):
        if total <= MOST_BYTES:
            break
        os.unlink(path)
        total -= size
