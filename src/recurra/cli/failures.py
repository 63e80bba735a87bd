"""What other packages raise where a machine cannot do what it is asked for, in recurra's words."""

import os
import sys

from recurra.errors import ConfigError, RecurraError

_LESS = "take fewer `units`, shorter windows or a smaller batch; `recurra doctor` shows what this machine has"


def understood(error: BaseException) -> RecurraError | None:
    """The error in recurra's words: no memory, no accelerator; None for what nobody foresaw."""
    kind, text = type(error).__name__, str(error)
    first = text.splitlines()[0] if text else ""
    if isinstance(error, MemoryError):
        return ConfigError(f"not enough memory{f' ({first})' if first else ''}: {_LESS}")
    if kind in ("XlaRuntimeError", "JaxRuntimeError") and ("RESOURCE_EXHAUSTED" in text or "Out of memory" in text):
        return ConfigError(f"not enough memory on the device of JAX ({first}): {_LESS}")
    wanted = os.environ.get("JAX_PLATFORMS")
    if wanted and "jax" in sys.modules and not _has_device():
        return ConfigError(
            f"JAX finds no device for JAX_PLATFORMS={wanted}{f' ({first})' if first else ''}: unset JAX_PLATFORMS to "
            "take what there is, or see `recurra doctor`"
        )
    return None


def _has_device() -> bool:
    """Whether JAX can work at all; where it cannot, it fails in many places and in many ways."""
    import jax

    try:
        return bool(jax.devices())
    except Exception:  # also an assertion without a word
        return False
