# Everything from a fresh clone: Python 3.11 (with venv) and make are all that is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check format clean kill fuzz

demo: $(STAMP)
	$(BIN)/recurra demo

# A worker for each core, four at most, one thread each: a pool of threads in every worker would fight for the cores.
test: $(STAMP)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

check: $(STAMP)
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/test_architecture.py

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
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[datasets,dev,dysts,io,report]"
	touch $@
