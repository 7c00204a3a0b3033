# make demo   sets everything up and runs the main job
# make test   sets everything up and passes the quick tests
# make test-medium  those of more than four seconds each; continuous integration runs both, these on the newest Python
# make test-oldest  the tests with the lower bound of every dependency
# make test-newest  the tests on the newest Python here
# make test-aot  what is compiled for TPU and GPU, on a machine without either
# make smoke  runs every example, small
# make docs   builds the documentation under output/site, without a network
# make test-docs  builds it, and tests pages, docstrings and, where there is a browser, what a reader sees
# make gallery  runs the examples and puts their figures and tables into docs/gallery (EXAMPLES="05 06" for some)
# make package  builds wheel and sdist, and tries them in a clean environment
# make check  formatting, lint, types, tests and examples; continuous integration (.ci/run) runs more
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/jax
export MPLBACKEND ?= Agg
# XLA warns at length that its own cache names pseudo-features of the processor (prefer-no-gather); errors raise anyway.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-medium smoke docs test-docs gallery package test-slow test-aot test-oldest test-newest check lint types bench clean

demo: $(VENV)/.runtime
	$(BIN)/python examples/01_teacher_student.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-medium: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'medium and not slow'

smoke: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m smoke

docs: $(VENV)/.docs
	$(BIN)/python .ci/pages.py
	$(BIN)/zensical build --clean --strict

test-docs: docs
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m docs

gallery: $(VENV)/.docs
	$(BIN)/python .ci/gallery.py $(EXAMPLES)

package: $(VENV)/.dev
	$(BIN)/python .ci/package.py

# In an environment of its own: the wheels of the compilers are large, and their versions are fixed.
test-aot:
	PIP_CONSTRAINT=$(CURDIR)/.ci/ahead_of_time.txt $(MAKE) .venv-aot/.aot VENV=.venv-aot
	JAX_PLATFORMS=cpu XLA_FLAGS= .venv-aot/bin/python -m pytest -n $(WORKERS) --dist loadfile -m aot tests/aot

.venv-aot/.aot: .venv-aot/.dev .ci/ahead_of_time.txt
	.venv-aot/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[cuda-aot,tpu-aot]'
	@touch $@

test-slow: $(VENV)/.dev
	XLA_FLAGS= $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m slow

# The same make in an environment of its own: the oldest versions that pyproject.toml allows, on the oldest Python.
test-oldest:
	mkdir -p .cache
	$(PYTHON) .ci/oldest.py > .cache/oldest.txt
	PIP_CONSTRAINT=$(CURDIR)/.cache/oldest.txt $(MAKE) test test-medium VENV=.venv-oldest

# The newest Python brings the newest versions of everything.
test-newest: $(BIN)/python
	$(MAKE) test test-medium $$(./.ci/newest)

check: lint types test test-medium smoke

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/pyright

bench: $(VENV)/.dev
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest .venv-aot .cache output

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "grokjax needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.docs: pyproject.toml | $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	@touch $@ $(VENV)/.dev $(VENV)/.runtime

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.runtime
