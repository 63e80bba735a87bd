"""One target under atheris: `python fuzz/harness.py TARGET [corpus folder] [options of libFuzzer]`."""

import sys

import atheris

with atheris.instrument_imports(include=["recurra"]):
    import recurra.data
    import recurra.estimators.model_file
    import recurra.experiment  # noqa: F401

from targets import TARGETS, one_input

if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, one_input(TARGETS[name]))
    atheris.Fuzz()
