# The commands of the project, for people and CI alike. They need git, make and Python 3.11 or newer; everything else is
# installed into .venv from the lock files, from whichever package index pip and uv are configured to use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.txt
READY := $(VENV)/.ready
# Singer targets whose dependencies conflict with the tap's or with each other's have an environment each, and a lock file.
LOADERS := $(patsubst integrations/%.txt,$(VENV)/%/.ready,$(wildcard integrations/loaders/*.txt))
TESTED_LOADER := $(VENV)/loaders/pipelinewise-target-postgres/.ready
SOURCES := $(wildcard tap_contentstack sandbox demo tests benchmarks integrations/*/*.py integrations/*/*/test_*.py .ci/*.py)
# mypy does not check the Dagster project itself, as Dagster is not in this environment.
LINTED := $(SOURCES) integrations/dagster/contentstack_dagster
# One test more at once than there are processors: many wait, for the second in which a token becomes safe.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
UV := $(BIN)/uv
CHECK := $(BIN)/check-jsonschema --quiet
PIN = grep -o '^uv==[0-9.]*' $(LOCK)

# The environment's programs come first, because Meltano looks for the tap and its Singer target on the PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export UV_PYTHON := $(CURDIR)/$(BIN)/python
unexport PYTHONPATH PYTHONHOME
# Each test starts the tap as a new process; with compiled files it starts in a third of the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo dagster dagster-test scale test checks lint format format-check types unit coverage sandbox soak ci-loads loaders dbt bench generate hub lock lock-check build clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(READY)  ## set up .venv (every other target does so too)

# Another interpreter than the one in .venv, if PYTHON= names one: then .venv is set up again.
VERSION = -c 'import sys; print(sys.version_info[:2])' 2> /dev/null
ifneq ($(origin PYTHON),file)
OTHER_PYTHON := $(filter-out $(shell $(BIN)/python $(VERSION)),$(shell $(PYTHON) $(VERSION)))
endif
ifneq ($(OTHER_PYTHON),)
.PHONY: $(READY)
endif

$(READY): $(LOCK) $(TESTED_LOADER:$(VENV)/%/.ready=integrations/%.txt) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@echo "setting up $(VENV) …"
	@test -z "$(OTHER_PYTHON)" || rm -rf $(VENV)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version 2>/dev/null | grep -q "$$($(PIN) | cut -d= -f3)" \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "$$($(PIN))"
	@$(UV) pip sync --quiet --require-hashes $(LOCK)
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@$(MAKE) --silent --no-print-directory $(TESTED_LOADER)
	@touch $@

$(VENV)/loaders/%/.ready: integrations/loaders/%.txt
	@test -x $(@D)/bin/python || $(UV) venv --quiet --python $(BIN)/python $(@D)
	@$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	@touch $@

$(VENV)/ci/.ready $(VENV)/dagster/.ready $(VENV)/dbt/.ready: $(VENV)/%/.ready: integrations/%/requirements.txt
	@test -x $(@D)/bin/python || $(UV) venv --quiet --python $(BIN)/python $(@D)
	@$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	@touch $@

$(VENV)/plots/.ready: benchmarks/plots.txt
	@test -x $(@D)/bin/python || $(UV) venv --quiet --python $(BIN)/python $(@D)
	@$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	@touch $@

demo: $(READY)  ## load a sandbox into a real Postgres with Meltano, edit it, load again (KEEP=1 leaves all of it running)
	@$(BIN)/python -u -m demo $(if $(KEEP),--keep)

dagster: $(READY) $(VENV)/dagster/.ready  ## let Dagster load a sandbox twice by its schedule, through edits and a SIGKILL (KEEP=1 as above)
	@$(BIN)/python -u -m demo.dagster $(if $(KEEP),--keep)

dagster-test: $(READY) $(VENV)/dagster/.ready  ## test the same, and more of what docs/scaling.md says (ten minutes)
	@$(BIN)/pytest --quiet -o faulthandler_timeout=0 integrations/dagster

test: $(READY)  ## run the full test suite: lint, format, types, tests (PYTHON=python3.12 for another interpreter)
	@$(MAKE) --no-print-directory lint format-check types unit

lint: $(READY) lock-check  ## check the code with ruff, the lock files, generated parts, meltano.yml and the workflows
	@$(BIN)/ruff check --quiet --output-format concise $(LINTED)
	@$(UV) pip check --quiet
	@$(BIN)/python .ci/generate.py check
	@$(CHECK) --schemafile "$$($(BIN)/python -c 'import meltano.schemas as it; print(it.__path__[0])')/meltano.schema.json" meltano.yml
	@$(CHECK) --builtin-schema vendor.github-workflows .github/workflows/*.yml integrations/ci/github.yml
	@$(CHECK) --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci integrations/ci/gitlab-ci.yml
	@$(CHECK) --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(CHECK) --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(CHECK) --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	@findings=$$($(BIN)/zizmor --offline --quiet --no-progress .github integrations/ci/github.yml) || { echo "$$findings"; exit 1; }

format: $(READY)  ## format the code and fix what ruff can fix
	@$(BIN)/ruff check --quiet --fix-only $(LINTED)
	@$(BIN)/ruff format --quiet $(LINTED)

format-check: $(READY)
	@$(BIN)/ruff format --quiet --diff $(LINTED)

types: $(READY)  ## mypy in strict mode
	@$(BIN)/mypy --no-error-summary $(SOURCES)

unit: $(READY)  ## run only the tests (one of them: .venv/bin/pytest -k name)
	@$(BIN)/pytest --quiet -n $(JOBS) --dist worksteal

coverage: $(READY)  ## run the tests, and say which lines they do not reach (a third slower)
	@$(BIN)/pytest --quiet -n $(JOBS) --dist worksteal --cov

# Each variable that is set becomes an option of `python -m sandbox`.
SANDBOX_OPTIONS = PORT SEED ENTRIES LATENCY EXPORT
sandbox: $(READY)  ## serve a local delivery API and print settings for it (PORT= SEED= ENTRIES= LATENCY= or EXPORT=DIR)
	@$(BIN)/python -m sandbox $(foreach each,$(SANDBOX_OPTIONS),$(if $($(each)),--$(shell echo $(each) | tr A-Z a-z) '$($(each))'))

soak: $(READY)  ## play random histories of edits, crashes and faults for MINUTES=10
	@$(BIN)/python -u -m tests.model.soak --minutes $(or $(MINUTES),10)

ci-loads: $(READY) $(VENV)/ci/.ready $(VENV)/loaders/moto/.ready  ## test the ready CI load with real Meltano, Postgres and a local S3
	@$(BIN)/pytest --quiet -o faulthandler_timeout=600 integrations/ci

scale: $(READY)  ## measure one process against several, and write the table into docs/scaling.md (ten minutes)
	@PYTHONPATH=integrations/dagster $(BIN)/python -u -m benchmarks.scale

loaders: $(READY) $(LOADERS)  ## load a stack through its life into every target of docs/loaders.md, and read each exactly
	@$(BIN)/pytest --quiet -n $(JOBS) -o faulthandler_timeout=600 tests/loaders/every_loader.py

dbt: $(READY) $(VENV)/dbt/.ready $(VENV)/loaders/target-duckdb/.ready  ## build the dbt package's models on a Postgres and a DuckDB that the tap has filled
	@$(BIN)/pytest --quiet -o faulthandler_timeout=600 integrations/dbt

bench: $(READY) $(VENV)/plots/.ready  ## run the benchmarks beside the last release's figures, and draw docs/images (RELEASE=1 keeps the figures as such)
	@$(BIN)/python -u -m benchmarks --save $(if $(RELEASE),benchmarks/last_release.json,build/benchmarks.json)
	@$(VENV)/plots/bin/python benchmarks/plots.py $(if $(RELEASE),benchmarks/last_release.json,build/benchmarks.json) docs/images

lock: $(READY)  ## regenerate the lock files after a change of dependencies (UPGRADE=1 takes the newest versions)
	@$(BIN)/python .ci/lock.py write $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory setup

generate: $(READY)  ## write the generated parts of the documentation and of meltano.yml
	@$(BIN)/python .ci/generate.py write

hub: $(READY)  ## print the Meltano Hub definition of the tap, for REPO=https://<host>/<owner>/tap-contentstack
	@$(BIN)/python .ci/generate.py hub $(REPO)

lock-check: $(READY)
	@$(BIN)/python .ci/lock.py check

build: $(READY)  ## build the wheel and the sdist into dist/
	@$(UV) build --quiet --no-build-isolation

clean:  ## remove .venv and everything that the tools wrote
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .meltano .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
