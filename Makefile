# Each target makes what it needs: a virtual environment of its own, with the package installed editable.
# A stamp file says when that was last done; it is done again when pyproject.toml has changed.
PYTHON ?= python3
VENV   := .venv
PARITY := .venv-parity
BIN    := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check
# Arguments passed on, e.g. `make demo ARGS="--steps 200"` or `make test ARGS="-k matmul"`.
ARGS   ?=

.DELETE_ON_ERROR:
.PHONY: help demo test check format parity bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 16

demo: $(VENV)/.base ## train a small GPT on real text (about two minutes on two cores)
	$(BIN)/curta train $(ARGS)

# bytecode is kept whatever the environment says: the tests start a hundred processes that import Curta
test: $(VENV)/.test ## run all the tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/.dev ## lint, format and strict types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.dev ## write the format that check asks for
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

parity: $(PARITY)/.parity ## the same cases in Curta and in PyTorch (installs PyTorch into $(PARITY))
	$(PARITY)/bin/python -m pytest -m parity $(ARGS)

bench: $(PARITY)/.parity ## the table of ratios to PyTorch
	$(PARITY)/bin/python -m benchmarks $(ARGS)

clean: ## remove the environments and everything generated
	rm -rf $(VENV) $(PARITY) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Curta needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(PARITY)/bin/python:
	$(PYTHON) -m venv $(PARITY)
	@echo '*' > $(PARITY)/.gitignore

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[test]'
	@touch $@ $(VENV)/.base

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[dev]'
	@touch $@ $(VENV)/.base

$(PARITY)/.parity: pyproject.toml | $(PARITY)/bin/python
	$(PARITY)/bin/python -m pip install $(PIP_FLAGS) --editable '.[parity]'
	@touch $@
