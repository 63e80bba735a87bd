"""Peak memory in MB of a process that fits an echo state network: `python -m benchmarks.speed.memory UNITS ROWS`."""

import resource
import sys


def main() -> None:
    """Fit, and print the peak."""
    import numpy as np

    import recurra as rc

    units, rows = (int(argument) for argument in sys.argv[1:])
    t = np.arange(rows)
    data = np.stack([np.sin(0.1 * t), np.sin(0.1618 * t), np.cos(0.05 * t) ** 3], axis=1)
    rc.ESN(units=units, ridge=1e-6, seed=0).fit(data)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
