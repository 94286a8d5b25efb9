# Everything that people and CI type. Needs git, make and Python 3.11 or newer; the rest is set up in .venv from the
# lock, through whatever package index pip and uv are configured for.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.txt
LOADERS_LOCK := requirements-loaders.txt
READY := $(VENV)/.ready
SOURCES := $(wildcard tap_contentstack sandbox demo tests benchmarks .ci/*.py)
JOBS ?= auto
UV := $(BIN)/uv
PIN = grep -o '^uv==[0-9.]*' $(LOCK)

# The environment's programs come first, for Meltano looks for the tap and its loaders on the PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export UV_PYTHON := $(CURDIR)/$(BIN)/python
unexport PYTHONPATH PYTHONHOME
# Each test starts the tap anew: compiled once, it is up in a third of the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test checks lint format format-check types unit sandbox soak bench lock lock-check build clean

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(READY)  ## set up .venv (every other target does, too)

$(READY): $(LOCK) $(LOADERS_LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@echo "setting up $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version 2>/dev/null | grep -q "$$($(PIN) | cut -d= -f3)" \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "$$($(PIN))"
	@$(UV) pip sync --quiet --require-hashes $(LOCK)
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@test -x $(VENV)/loaders/bin/python || $(UV) venv --quiet --python $(BIN)/python $(VENV)/loaders
	@$(UV) pip sync --quiet --python $(VENV)/loaders/bin/python --require-hashes $(LOADERS_LOCK)
	@touch $@

demo: $(READY)  ## a sandbox stack into a real Postgres with Meltano, edited, and loaded again
	@$(BIN)/python -u -m demo

test: $(READY)  ## all that must hold: lint, format, types, tests
	@$(MAKE) --no-print-directory lint format-check types unit

lint: $(READY) lock-check  ## ruff, and the lock in step with pyproject.toml
	@$(BIN)/ruff check --quiet --output-format concise $(SOURCES)
	@$(UV) pip check --quiet

format: $(READY)  ## format the code and sort out what can be sorted out
	@$(BIN)/ruff check --quiet --fix-only $(SOURCES)
	@$(BIN)/ruff format --quiet $(SOURCES)

format-check: $(READY)
	@$(BIN)/ruff format --quiet --diff $(SOURCES)

types: $(READY)  ## mypy, strict
	@$(BIN)/mypy --no-error-summary $(SOURCES)

unit: $(READY)  ## the tests alone, with coverage; one of them: .venv/bin/pytest -k name
	@$(BIN)/pytest --quiet -n $(JOBS) --dist loadgroup --cov

# The variables that are set become the options of `python -m sandbox`.
SANDBOX_OPTIONS = PORT SEED ENTRIES LATENCY EXPORT
sandbox: $(READY)  ## run a local delivery API and print its settings (PORT= SEED= ENTRIES= LATENCY= or EXPORT=DIR)
	@$(BIN)/python -m sandbox $(foreach each,$(SANDBOX_OPTIONS),$(if $($(each)),--$(shell echo $(each) | tr A-Z a-z) '$($(each))'))

soak: $(READY)  ## random histories of edits, crashes and faults, for MINUTES (10)
	@$(BIN)/python -u -m tests.model.soak --minutes $(or $(MINUTES),10)

bench: $(READY)  ## the benchmarks
	@$(BIN)/python -m benchmarks

lock: $(READY)  ## remake the lock after a change of dependencies (UPGRADE=1 takes the newest versions)
	@$(BIN)/python .ci/lock.py write $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory setup

lock-check: $(READY)
	@$(BIN)/python .ci/lock.py check

build: $(READY)  ## the wheel and the sdist, in dist/
	@$(UV) build --quiet --no-build-isolation

clean:  ## remove .venv and everything that the tools leave
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .meltano .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
