# make cpg    sets everything up and builds the code property graph (REPO=/path for another repository)
# make test   sets everything up and runs all checks
# Nothing but Python (3.11 or newer) and make is assumed on the machine.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
REPO ?=
WAREHOUSE ?= $(if $(REPO),warehouse-$(notdir $(abspath $(REPO))),warehouse)

.PHONY: cpg test lint types imports pytest every mutants soak plans bykey kills bench corpus minimal stdlib flows stdlib-graph fuzz clean

cpg: $(VENV)/.cpg
	$(BIN)/cpgbuild build --warehouse $(WAREHOUSE) $(if $(REPO),--var repo=$(abspath $(REPO)))

test: lint types imports pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

pytest: $(VENV)/.dev
	$(BIN)/pytest -n auto -q

# What takes long has targets of its own.
mutants: $(VENV)/.dev
	$(BIN)/python tests/mutants.py

# Every command on this repository's own project, on terminals, in a pipe and as JSON.
every: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python tests/every.py

soak: $(VENV)/.dev
	$(BIN)/python tests/soak.py --minutes 60

# Random queries by key, a few hundred projects of them, beside a build from nothing.
bykey: $(VENV)/.dev
	CPGBUILD_PROFILE=soak $(BIN)/python -m pytest -q tests/engine/test_by_key.py

# Kept plans beside plans from nothing, over some thousands of edits.
plans: $(VENV)/.dev
	SEEDS=400 $(BIN)/python -m pytest -n 2 -q tests/property/test_plan_cache.py tests/engine/test_settled.py

kills: $(VENV)/.dev
	$(BIN)/python tests/kills.py --times 1000

bench: $(VENV)/.dev
	$(BIN)/python bench/cpg.py

# The code property graph of the whole standard library, or of TREES: no file may be lost.
stdlib-graph: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python tests/cpg/sweep.py $(TREES)

# Files with bytes mutated at random, parsed.
fuzz: $(VENV)/.dev
	SEEDS=5000 $(BIN)/python -m pytest -q tests/cpg/test_bad_input.py -k mutated

corpus: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python tests/plan/corpus.py

minimal: $(VENV)/.dev
	$(BIN)/python bench/minimal.py

# Control flow of every file of the running Python's standard library.
stdlib: $(VENV)/.dev
	$(BIN)/python tests/stdlib.py

# A thousand random functions are run beside their control flow.
flows: $(VENV)/.dev
	CONTROL_SEEDS=1000 $(BIN)/python -m pytest -n 2 -q tests/cpg/test_control_properties.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.cpg: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpg]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.cpg

clean:
	rm -rf $(VENV) .cpgbuild warehouse warehouse-*
