"""One case: every entry is built and checked, the best variant of each is chosen, then all are timed in turn."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.speed.pool import AbsentError, FailedError, Pool

CLOSE = 1.15  # a variant within this of the best one in the trial is timed as well


@dataclass(frozen=True)
class Contender:
    """One line of a case.

    Args:
        name: as in the tables.
        library: whose process runs it, a key of `pool.LIBRARIES`.
        build: "module:function" that makes the `Entry`.
        variants: arguments that differ between the ways of this library: threads, optimisers, compilation. The best
            of them counts.
        options: more arguments, the same for all.
    """

    name: str
    library: str
    build: str
    variants: tuple[dict[str, Any], ...] = ({},)
    options: dict[str, Any] = field(default_factory=dict)


def run_case(
    pool: Pool,
    contenders: list[Contender],
    case: dict[str, Any],
    *,
    repeats: int,
    tolerances: dict[str, float],
) -> dict[str, dict[str, Any]]:
    """Seconds of each contender, interleaved, and what it took to get there.

    Args:
        pool: the processes.
        contenders: the first is the one that the others are checked against; it writes the weights that they take.
        case: arguments of every `build`.
        repeats: rounds of timing.
        tolerances: largest difference that is allowed in each check, relative to the largest number of it.

    Returns:
        By name: seconds (median of the best variant), raw (by variant), trial, checks, first, facts, and cpus, how many
        processors were at work for it (below 1 something else was running); or `reason` where there is no number.
    """
    pool.drop()
    found: dict[str, dict[str, Any]] = {}
    reference, first = None, None
    timed: list[tuple[Contender, str]] = []
    for contender in contenders:
        if found and reference is None:
            found[contender.name] = {"library": contender.library, "reason": f"nothing to check it against: {first}"}
            continue
        result, keys = _prepare(pool, contender, case, reference, tolerances)
        found[contender.name] = result
        first = result.get("reason")
        if reference is None:
            reference = result.get("numbers")
        timed += [(contender, key) for key in keys]
    for _ in range(repeats):
        for contender, key in timed:
            _time(pool, contender, key, found[contender.name])
    for result in found.values():
        result.pop("numbers", None)
        raw = {variant: values for variant, values in result.get("raw", {}).items() if values}
        if raw and "reason" not in result:
            best = min(raw, key=lambda variant: median(raw[variant]))
            cpus = round(median(result["cpus"][best]), 2)
            result |= {"seconds": median(raw[best]), "variant": best, "cpus": cpus}
    return found


def _prepare(
    pool: Pool,
    contender: Contender,
    case: dict[str, Any],
    reference: dict[str, list[float]] | None,
    tolerances: dict[str, float],
) -> tuple[dict[str, Any], list[str]]:
    """Build, check and try the variants of a contender; those that are to be timed."""
    result: dict[str, Any] = {"library": contender.library, "trial": {}, "checks": {}, "raw": {}}
    for variant in contender.variants:
        key = ", ".join(f"{name} {value}" for name, value in variant.items()) or "default"
        arguments = {**case, **contender.options, **variant}
        request = {"entry": f"{contender.name} {key}", "build": contender.build, "arguments": arguments}
        try:
            built = pool.ask(contender.library, {"do": "build", **request})
            numbers = built["check"] if reference is None else reference
            checks = {name: difference(values, numbers[name]) for name, values in built["check"].items()}
            wrong = [
                f"{name} {checks[name]:.1e} > {tolerances[name]:.0e}"
                for name in checks
                if not checks[name] <= tolerances[name]
            ]
            if wrong:
                raise FailedError(f"computes something else: {'; '.join(wrong)}")
            result["trial"][key] = pool.ask(contender.library, {"do": "time", "entry": request["entry"]})["seconds"]
        except FailedError as error:
            result.setdefault("failed", {})[key] = str(error)
            result["absent"] = isinstance(error, AbsentError)
            continue
        result["checks"] |= {name: max(value, result["checks"].get(name, 0.0)) for name, value in checks.items()}
        result |= {"numbers": built["check"]}
        result.setdefault("first", {})[key] = built["first"]
        result.setdefault("facts", {})[key] = built["facts"]
    trial = result["trial"]
    if not trial:
        return {"library": contender.library, "reason": next(iter(result["failed"].values()))}, []
    chosen = sorted((key for key in trial if trial[key] <= CLOSE * min(trial.values())), key=trial.__getitem__)[:2]
    result["raw"] = {key: [] for key in chosen}
    return result, chosen


def _time(pool: Pool, contender: Contender, key: str, result: dict[str, Any]) -> None:
    if "reason" in result:
        return
    try:
        answer = pool.ask(contender.library, {"do": "time", "entry": f"{contender.name} {key}"})
    except FailedError as error:
        result["reason"] = str(error)
        return
    result["raw"][key].append(answer["seconds"])
    result.setdefault("cpus", {}).setdefault(key, []).append(answer["cpus"])


def difference(values: list[float], reference: list[float]) -> float:
    """Largest difference, relative to the largest number of the reference; infinite for other lengths."""
    if len(values) != len(reference):
        return float("inf")
    scale = max(abs(number) for number in reference) or 1.0
    worst = [abs(a - b) / scale for a, b in zip(values, reference, strict=True)]
    return max(worst) if all(number == number for number in worst) else float("inf")
