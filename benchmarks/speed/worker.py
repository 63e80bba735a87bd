"""A process of one library: it builds entries, says what they compute, and times them when it is asked.

Every library has a process of its own, so that no pool of threads waits beside another one, and Keras has one for each
backend. Requests and answers are lines of JSON on stdin and stdout; what a library prints goes to stderr.
"""

import importlib
import json
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any


class UnavailableError(Exception):
    """What an entry needs is not there; the message says what."""


@dataclass
class Entry:
    """Something to be timed.

    Args:
        time: runs it once and returns the seconds of one unit of the case (an update, a step, a call).
        check: numbers that every entry of a case must agree on, by what they are.
        first: seconds of the first call, with what is compiled there.
        facts: settings that were found at run time.
    """

    time: Callable[[], float]
    check: dict[str, list[float]] = field(default_factory=dict)
    first: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def seconds(run: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextmanager
def blas_threads(threads: int | None) -> Iterator[None]:
    """At most so many threads in BLAS; None leaves them as they are."""
    if threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads):
        yield


def _answer(request: dict[str, Any], entries: dict[str, Entry]) -> dict[str, Any]:
    match request["do"]:
        case "build":
            module, function = request["build"].split(":")
            entry = getattr(importlib.import_module(f"benchmarks.speed.{module}"), function)(**request["arguments"])
            entries[request["entry"]] = entry
            return {"check": entry.check, "first": entry.first, "facts": entry.facts}
        case "time":
            wall, cpu = time.perf_counter(), time.process_time()
            found = entries[request["entry"]].time()
            return {"seconds": found, "cpus": (time.process_time() - cpu) / (time.perf_counter() - wall)}
        case "drop":
            entries.clear()
            return {}
        case "versions":
            return {"versions": {name: metadata.version(name) for name in request["packages"]}}
        case "peak":
            return {"MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    raise ValueError(f"unknown request {request['do']!r}")


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # of the libraries, about random data; they would fill the log
    entries: dict[str, Entry] = {}
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), entries)
        except UnavailableError as error:
            answer = {"unavailable": str(error)}
        except Exception as error:  # reported to the caller, who shows it
            answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    import benchmarks.speed.worker as imported  # the same classes as in the modules that build entries

    imported.main()
