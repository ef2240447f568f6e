# Everything a person or CI needs. Each target does its own set-up in .venv; a second run installs nothing.

PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
SUITES := .cache/conformance
CLIENTS := .cache/clients
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow conformance bundle check format format-check lint types imports docs docs-check snapshots coverage bench soak soak-short lock

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: .venv/.run ## see it work, on simulated data
	@$(BIN)/pc-mcp demo

PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test: .venv/.dev ## run the tests and report the branch coverage
	@rm -f .coverage .coverage.*
	$(PYTEST) -m "not slow" --cov --cov-report=
	@$(BIN)/coverage report

test-slow: .venv/.dev ## run the tests that start browsers, Node.js and many processes
	$(PYTEST) -m slow

conformance: .venv/.dev $(SUITES)/.made $(CLIENTS)/.made ## run the suites that others wrote against the server
	$(BIN)/python -m conformance $(SUITES)/$(notdir $(BIN)) $(CLIENTS)/$(notdir $(BIN))

bundle: .venv/.dev ## pack the bundle for Claude Desktop, dist/pc-mcp.mcpb
	$(BIN)/python -m bundle dist/pc-mcp.mcpb

check: format-check lint types imports docs-check test-slow test soak-short ## format, types, documentation, every test and a short soak

format: .venv/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

format-check: .venv/.dev
	$(BIN)/ruff format --check .

# hadolint has no wheel for Windows.
lint: .venv/.dev
	$(BIN)/ruff check .
	$(if $(filter Windows_NT,$(OS)),,$(BIN)/hadolint Dockerfile)

types: .venv/.dev
	$(BIN)/mypy

imports: .venv/.dev
	$(BIN)/lint-imports --no-cache

docs: .venv/.dev ## write the generated parts of the documentation
	$(BIN)/python -m tests.documentation --write

docs-check: .venv/.dev
	$(BIN)/python -m tests.documentation

snapshots: .venv/.dev ## write what clients and models get into tests/snapshots; review the diff
	$(BIN)/python -m pytest -q tests/tools/test_snapshots.py --snapshot-update

bench: .venv/.dev ## measure speed, memory and size, and write bench/RESULTS.md
	$(BIN)/python -m bench

soak: .venv/.dev ## ask for 10 minutes while the service fails and throttles; nothing may be wrong or left behind
	$(BIN)/python -m bench.soak

soak-short: .venv/.dev ## the same for one minute
	$(BIN)/python -m bench.soak --seconds 60

lock: .venv/.dev ## write the lock files anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	  pyproject.toml --group build --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	  pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11.4 \
	  conformance/requirements.in --output-file conformance/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  conformance/clients.in --output-file conformance/clients.txt
	$(BIN)/python -m node_tools

.venv/.made:
	$(PYTHON) -m venv .venv
	@touch $@

# hatchling, which installs the project itself, is pinned in both lock files.
.venv/.run: .venv/.made requirements.txt pyproject.toml
	$(PIP) --no-deps --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	$(PIP) --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

# The suites in Python need much that the project does not, and the client libraries another release of the SDK: they
# have environments of their own.
$(SUITES)/.made: conformance/requirements.txt
	$(PYTHON) -m venv $(SUITES)
	$(SUITES)/$(notdir $(BIN))/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes \
	  -r conformance/requirements.txt
	@touch $@

$(CLIENTS)/.made: conformance/clients.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/$(notdir $(BIN))/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes \
	  -r conformance/clients.txt
	@touch $@
