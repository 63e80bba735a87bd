"""A core of its own for every worker: claimed before JAX counts the cores, by a lock that dies with the process."""

import fcntl
import os
import sys
import tempfile
from pathlib import Path

from recurra.errors import ConfigError

PINS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_claimed: dict[int, int] = {}  # the core of this process -> the handle whose lock says so


def pin() -> int | None:
    """Bind the calling thread, and all that it will start, to one core; the same one each time.

    A core that no other worker of this user holds is taken, where there is one.

    Returns:
        The core; None on a system that binds no threads.

    Raises:
        ConfigError: JAX is loaded already, with threads on more than one core; or the environment does not bound the
            threads of the linear algebra.
    """
    loose = [name for name, value in PINS.items() if os.environ.get(name) != value]
    if loose:
        raise ConfigError(
            f"worker {os.getpid()} would use threads without bound: start it with "
            f"{' '.join(f'{name}=1' for name in loose)} in its environment"
        )
    if not hasattr(os, "sched_setaffinity"):
        return None
    if not _claimed:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1 and "jax" in sys.modules:
            raise ConfigError(
                f"worker {os.getpid()} has loaded JAX on {len(cores)} cores before it was bound to one: start it anew"
            )
        _claimed.update([_claim(cores)])
    core = next(iter(_claimed))
    os.sched_setaffinity(0, {core})
    if os.sched_getaffinity(0) != {core}:
        raise ConfigError(f"worker {os.getpid()} could not be bound to core {core}")
    return core


def _claim(cores: list[int]) -> tuple[int, int]:
    """The first core that nobody holds, and its lock; without one, a core that is shared, and no lock."""
    home = Path(tempfile.gettempdir()) / f"recurra-cores-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    owner = home.lstat()
    if owner.st_uid != os.getuid() or not home.is_dir() or home.is_symlink():
        raise ConfigError(f"{home} belongs to another user: set TMPDIR to a directory of your own")
    for core in cores:
        handle = os.open(home / str(core), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        return core, handle
    return cores[os.getpid() % len(cores)], -1
