"""Texts said again: how many new ones a network copies or reverses without an error, after training on others.

    python benchmarks/sequences/copy_reverse.py copy 10 --symbols ab --delay 10

appends a line of JSON to `results.jsonl` beside this file, with all settings, the scores on new texts and the CPU time.
"""

import argparse
import json
import time
from pathlib import Path

from recurra import tasks
from recurra.estimators.sequences import Sequences

RESULTS = Path(__file__).with_name("results.jsonl")


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Train on distinct texts, and score on distinct others."""
    make, began = getattr(tasks, options.task), time.process_time()
    pool = make(2 * (options.trained + options.scored), options.length, symbols=options.symbols, seed=options.seed)
    pairs = list(dict.fromkeys(zip(pool.inputs, pool.targets, strict=True)))
    train, test = pairs[: options.trained], pairs[options.trained :][: options.scored]
    model = Sequences(
        task="delayed",
        loss="categorical",
        cell=options.cell,
        units=options.units,
        delay=options.delay,
        feedback=options.feedback,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        final_learning_rate=options.learning_rate / 20,
        validation=0.0,
        seed=options.seed,
    )
    model.fit(*map(list, zip(*train, strict=True)))
    scores = model.score(*map(list, zip(*test, strict=True)))
    return {
        **vars(options),
        "trained": len(train),
        "scored": len(test),
        "loss": model.history_[-1]["loss"],
        "accuracy": scores["accuracy"],
        "exact": scores["exact"],
        "baselines": {name: each["exact"] for name, each in scores["baselines"].items()},
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def main() -> None:
    """Read the options, measure, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["copy", "reverse"])
    parser.add_argument("length", type=int)
    parser.add_argument("--symbols", default="abcd")
    parser.add_argument("--delay", type=int, default=0)
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--feedback", action="store_true")
    parser.add_argument("--trained", type=int, default=4000)
    parser.add_argument("--scored", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    result = measure(parser.parse_args())
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
