# Everything from a fresh clone: Python 3.11 (with venv) and make are all that is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

SOURCES := $(wildcard native/*)
# The build tools first: the kernels are compiled against the nanobind and jaxlib that are there at run time.
BUILD := "cmake>=3.22" "jaxlib>=0.10" "nanobind>=2.4" "ninja>=1.11" "scikit-build-core>=0.11"

.PHONY: demo test check check-native bench format clean kill fuzz

demo: $(STAMP)
	$(BIN)/recurra demo

# A worker for each core, four at most, one thread each: a pool of threads in every worker would fight for the cores.
test: $(STAMP)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

check: $(STAMP)
	$(BIN)/ruff check src tests benchmarks/marked.py benchmarks/compare benchmarks/exponents benchmarks/long_lag benchmarks/skill benchmarks/speed benchmarks/understanding
	$(BIN)/ruff format --check src tests benchmarks/marked.py benchmarks/compare benchmarks/exponents benchmarks/long_lag benchmarks/skill benchmarks/speed benchmarks/understanding
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/test_architecture.py

# The tests of the kernels under the address and undefined-behaviour sanitizers of the compiler.
SANITIZED := build/sanitized
check-native: $(STAMP)
	$(BIN)/python -m cmake -S native -B $(SANITIZED) -DRECURRA_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DPython_EXECUTABLE=$(abspath $(BIN)/python) -Dnanobind_DIR=$$($(BIN)/python -m nanobind --cmake_dir)
	$(BIN)/python -m cmake --build $(SANITIZED) --parallel 2
	RECURRA_TEST_KERNELS=$(abspath $(SANITIZED)) LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so)" \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1 \
		$(BIN)/python -m pytest -q -p no:cacheprovider tests/native --ignore tests/native/test_status.py

# Speed beside other libraries, in an environment of its own; see benchmarks/speed/README.md. That version of PyTorch is
# named so that pip takes the build for CPUs.
BENCH := .venv-bench
bench: $(BENCH)/.installed
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BENCH)/bin/python -m benchmarks.speed $(BENCH_OPTIONS)

$(BENCH)/.installed: pyproject.toml $(SOURCES)
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet $(BUILD) torch==2.13.0
	$(BENCH)/bin/python -m pip install --quiet --no-build-isolation --editable ".[bench]"
	touch $@

format: $(STAMP)
	$(BIN)/ruff check --fix src tests
	$(BIN)/ruff format src tests

# Kill commands at random moments and repeat them; how many times of them ends with the same bits.
ROUNDS ?= 20
kill: $(STAMP)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/robustness/kill.py --rounds $(ROUNDS)

# Feed the readers with broken files, each for so many seconds; only recurra's own errors may come out.
SECONDS_EACH ?= 60
fuzz: $(STAMP)
	$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install --quiet --editable ".[fuzz]"
	$(BIN)/python fuzz/run.py --seconds $(SECONDS_EACH)

clean:
	rm -rf $(VENV) $(BENCH) build dist .pytest_cache .ruff_cache .hypothesis

$(STAMP): pyproject.toml $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(BUILD)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dask,datasets,dev,dysts,io,optuna,report]"
	touch $@
