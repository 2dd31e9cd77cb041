# Ikawaari Checkout. `make` alone lists the commands.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 3
ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
CATALOGS := $(patsubst %.po,%.mo,$(wildcard ikawaari/translations/*/LC_MESSAGES/*.po))
REQUIREMENTS := pyproject.toml constraints.txt

# uv when present; else, or when uv cannot, the environment's own pip.
define install
	@echo "Installing $(1) …"
	@if ! command -v uv >/dev/null 2>&1 || ! uv pip install --quiet --python $(PY) -c constraints.txt -e '$(1)'; then \
		$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --upgrade >/dev/null; \
		$(PY) -m pip install --quiet --disable-pip-version-check --no-warn-script-location -c constraints.txt -e '$(1)'; \
	fi
endef

.PHONY: help run test quick check check-all static bench chaos cluster clients docs fmt setup clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runtime $(CATALOGS) ## Start the checkout with its demo shop (HOST, PORT)
	@$(PY) -m ikawaari migrate
	@exec $(PY) -m ikawaari serve --demo --bind $(HOST):$(PORT)

test: $(VENV)/.test $(CATALOGS) ## Run the tests, or some of them (ARGS='-k phones -x')
	@$(if $(ARGS),$(PY) -m pytest -n $(WORKERS) --dist worksteal $(ARGS),$(PY) -m tests.run check)

quick: static ## Style, types, imports, and the quick tests, on SQLite
	@$(PY) -m tests.run quick $(ARGS)

check: static ## Everything that must hold before a commit: style, types, imports, tests
	@$(PY) -m tests.run check $(ARGS)

check-all: static ## The same with the long tests, before an issue is closed
	@IKAWAARI_SOAK_SECONDS=$${IKAWAARI_SOAK_SECONDS:-120} $(PY) -m tests.run all $(ARGS)

static: $(VENV)/.dev $(CATALOGS)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

bench: $(VENV)/.test $(CATALOGS) ## Measure the checkout under load
	@$(PY) -m tests.bench $(ARGS)

chaos: $(VENV)/.test $(CATALOGS) ## Payments while all fails that can (ARGS='--payments 10000 --seed N --engine sqlite')
	@$(PY) -m tests.chaos $(ARGS)

cluster: $(VENV)/.test $(CATALOGS) ## Several machines on this one, of which some die while customers pay
	@$(PY) -m tests.cluster $(ARGS)

clients: $(VENV)/.test $(CATALOGS) ## Generate clients from the OpenAPI document, and have each of them pay
	@$(PY) -m pytest tests/clients tests/merchant_api/test_generated_client.py --long --durations=10 $(ARGS)

docs: $(VENV)/.test ## Write the tables of docs/ that are made from the code
	@$(PY) -m tests.docs.operators

fmt: $(VENV)/.dev ## Format the code and apply safe fixes
	@$(PY) -m ruff check --fix --exit-zero --quiet .
	@$(PY) -m ruff format .

# For development; the other commands call what they need of it.
setup: $(VENV)/.dev $(CATALOGS)

clean: ## Remove the environment, caches and compiled catalogs (instance/ stays)
	@rm -rf $(VENV) .clients .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* test-results build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f $(CATALOGS)

# One stamp for each set of libraries: a newer pyproject.toml or constraints.txt installs again.

$(VENV)/.runtime: $(REQUIREMENTS) | $(PY)
	$(call install,.)
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	$(call install,.[test])
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(call install,.[dev])
	@touch $(VENV)/.test $@

# The first interpreter that is new enough (and, without uv, can make an environment) wins.
$(PY):
	@rm -rf $(VENV); \
	for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
		echo "Making $(VENV) with $$("$$python" --version) …"; \
		if command -v uv >/dev/null 2>&1; then exec uv venv --quiet --python "$$(command -v "$$python")" $(VENV); fi; \
		if "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then exec "$$python" -m venv $(VENV); fi; \
		echo "$$python cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	done; \
	if command -v uv >/dev/null 2>&1; then exec uv venv --quiet --python '>=3.11' $(VENV); fi; \
	echo "Ikawaari needs Python 3.11 or newer, and none was found. Install one, or name it: make run PYTHON=/path/to/python3" >&2; \
	exit 1

# Only the program's own catalogs; needs Babel, which is a runtime library.
%.mo: %.po | $(VENV)/.runtime
	@$(PY) -m babel.messages.frontend --quiet compile --input-file $< --output-file $@
