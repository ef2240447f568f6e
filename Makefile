# Everything a person or CI needs. Each target does its own set-up in .venv; a second run installs nothing.

# What environments are made of. One that is there is kept, unless another interpreter is asked for by name:
# `make test PYTHON=python3.13`. On Windows, python3 is a name that only the Store's Python has.
PYTHON ?= $(if $(filter Windows_NT,$(OS)),python,python3)
PROGRAMS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := .venv/$(PROGRAMS)
SUITES := .cache/conformance
CLIENTS := .cache/clients

# The tests start hundreds of processes; where nothing compiled is kept, each compiles the program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow conformance bundle check format format-check lint types imports docs docs-check snapshots coverage bench soak soak-short lock FORCE

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: .venv/.run ## see it work, on simulated data
	@$(BIN)/pc-mcp demo

PYTEST := pytest --numprocesses 2 --dist loadfile

test: .venv/.dev ## run the tests and report the branch coverage
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m $(PYTEST) -m "not slow"
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-slow: .venv/.dev ## run the tests that start browsers, Node.js and many processes
	$(BIN)/python -m $(PYTEST) -m slow

conformance: .venv/.dev $(SUITES)/.ready $(CLIENTS)/.ready ## run the suites that others wrote against the server
	$(BIN)/python -m conformance $(SUITES)/$(PROGRAMS) $(CLIENTS)/$(PROGRAMS)

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

# Says which Python it is. Any version understands this, and one that is too old says so in place of a syntax error.
WHICH := "import sys; v = '%d.%d' % sys.version_info[:2]; \
  sys.version_info < (3, 11) and sys.exit('pc-mcp needs Python 3.11 or newer, this is ' + v); \
  sys.stdout.write(v + ' in ' + sys.base_prefix)"

# An environment is made anew unless it is known to be whole: pip has ended its work, which .unfinished denies; the folder
# was not moved, for an environment runs the programs of its old place; its interpreter runs, and is the one asked for.
%/.made: FORCE
	@asked=$(if $(filter file,$(origin PYTHON)),,$$($(PYTHON) -c $(WHICH))) || exit 1; \
	[ -e $@ ] && [ ! -e $*/.unfinished ] && ! grep -Fqvx '$(CURDIR)' $@ && \
	has=$$($*/$(PROGRAMS)/python -c $(WHICH) 2>&1) && [ "$$has" = "$${asked:-$$has}" ] || { \
	$(PYTHON) -c $(WHICH) >/dev/null && $(PYTHON) -m venv --clear $* && echo '$(CURDIR)' >$@; }

# $(call pip,ENVIRONMENT,ARGUMENTS) installs; $(call locked,ENVIRONMENT,LOCK) installs what a lock names and nothing else.
# The locks are complete: if dependencies were resolved again, a newer release of one could break what worked.
pip = $(1)/$(PROGRAMS)/python -m pip --disable-pip-version-check install --quiet --no-deps $(2)
locked = $(call pip,$(1),--require-hashes -r $(2))
# What is installed fits together, or make ends with what does not.
checked = @found=$$($(1)/$(PROGRAMS)/python -m pip --disable-pip-version-check check) || { echo "$$found"; exit 1; }

# hatchling, which installs the project itself, is pinned in both lock files.
.venv/.run: .venv/.made requirements.txt pyproject.toml
	@touch .venv/.unfinished
	$(call locked,.venv,requirements.txt)
	$(call pip,.venv,--no-build-isolation --editable .)
	$(call checked,.venv)
	@rm .venv/.unfinished && touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@touch .venv/.unfinished
	$(call locked,.venv,requirements-dev.txt)
	$(call checked,.venv)
	@rm .venv/.unfinished && touch $@

# The suites in Python need much that the project does not, and the client libraries another release of the SDK: they
# have environments of their own.
$(SUITES)/.ready: $(SUITES)/.made conformance/requirements.txt
$(CLIENTS)/.ready: $(CLIENTS)/.made conformance/clients.txt
.cache/%/.ready:
	@touch $(@D)/.unfinished
	$(call locked,$(@D),$(filter %.txt,$^))
	$(call checked,$(@D))
	@rm $(@D)/.unfinished && touch $@
