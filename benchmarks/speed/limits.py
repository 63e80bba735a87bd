"""What the machine can do at most, measured by a small C++ program in the same run; and what machine it is."""

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("limits.cpp")


def measure(threads: int, folder: Path) -> dict[str, Any]:
    """Multiply-adds and bandwidths by number of threads; `reason` where there is no compiler.

    Args:
        threads: most threads.
        folder: where the program is built.
    """
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        return {"reason": "no C++ compiler: the limits of the machine are left out"}
    program = folder / "limits"
    command = [compiler, "-std=c++20", "-O3", "-pthread", str(SOURCE), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        return {"reason": f"{compiler} cannot build limits.cpp: {built.stderr[-300:]}"}
    sizes = [str(_cache_kilobytes(level)) for level in (1, 2)]
    found = subprocess.run([str(program), str(threads), *sizes], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def peak(limits: dict[str, Any], threads: int) -> float | None:
    """Float32 operations a second of the widest instruction set: one thread's, times the threads."""
    sets = limits.get("1", {}).get("fma_float32_GFLOPs", {})
    return max(sets.values()) * 1e9 * threads if sets else None


def machine(cpus: list[int]) -> dict[str, Any]:
    """Processor, its instruction sets, caches, memory, system."""
    name, flags, fields = platform.processor(), set(), dict[str, str]()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in lines.items()}
        name, flags = fields.get("model name", name), set(fields.get("flags", "").split())
    return {
        "processor": name,
        "family": [fields.get("cpu family"), fields.get("model")],
        "instruction_sets": sorted(flags & {"avx", "avx2", "fma", "avx512f", "asimd"}),
        "cpus": len(cpus),
        "L1_KB": _cache_kilobytes(1),
        "L2_KB": _cache_kilobytes(2),
        "memory_GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cache_kilobytes(level: int) -> int:
    """Data cache of the first CPU; 32 and 512 where the system does not say."""
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = (index / "type").read_text().strip()
        if kind != "Instruction" and (index / "level").read_text().strip() == str(level):
            return int((index / "size").read_text().strip().rstrip("K"))
    return {1: 32, 2: 512}[level]
