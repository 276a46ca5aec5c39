# Needs Python >= 3.11, make and a package index. The environment is made here, in .venv, and again only when
# pyproject.toml or constraints.txt has changed.

PYTHONS ?= python3 python3.13 python3.12 python3.11
PYTHON = .venv/bin/python
INSTALL = $(PYTHON) -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help verify reproduce findings bench docs test test-slow test-kernels lint clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

verify: .venv/.runtime ## check every claim at the quick profile (6 to 10 minutes on two cores); results/quick.json and .html
	@mkdir -p results
	$(PYTHON) -m rnnconv_cli verify --all --profile quick --output results/quick.json --output results/quick.html

reproduce: .venv/.runtime ## check every claim at the full profile (about an hour on two cores); results/full.json and .html
	@mkdir -p results
	$(PYTHON) -m rnnconv_cli verify --all --profile full --output results/full.json --output results/full.html

findings: reproduce ## the same, and docs/findings.md from it
	$(PYTHON) -m rnnconv_cli.report.findings results/full.json docs

bench: .venv/.bench ## time the kernels against their peers (at most 5 minutes); results/bench.json
	@mkdir -p results
	$(PYTHON) -m rnnconv_cli bench --output results/bench.json

docs: .venv/.docs ## the manual as a site; build/docs/index.html
	$(PYTHON) -m sphinx -W --keep-going -n -q -d build/doctrees docs build/docs

test: .venv/.dev ## the tests, without the long ones; then the kernels again, uncompiled, for their coverage
	$(PYTHON) -m pytest --quiet -m "not slow"
	@$(MAKE) --no-print-directory test-kernels

test-slow: .venv/.dev ## the long tests
	$(PYTHON) -m pytest --quiet -m slow

test-kernels: .venv/.dev ## the kernels as plain Python: coverage that a compiler would hide
	NUMBA_DISABLE_JIT=1 $(PYTHON) -m coverage run -m pytest --quiet -m "not slow" tests/kernels tests/problem
	$(PYTHON) -m coverage report --include="rnnconv_cli/kernels/*"

lint: .venv/.dev ## style, types and layers
	$(PYTHON) -m ruff check --quiet
	$(PYTHON) -m ruff format --check --quiet
	$(PYTHON) -m mypy
	$(PYTHON) -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-logo

clean: ## remove the environment, caches and builds; results stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find rnnconv_cli tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@for python in $(PYTHONS); do \
	  if $$python -c "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then \
	    echo "making .venv with $$($$python --version)"; \
	    $$python -m venv .venv && touch $@; exit $$?; \
	  fi; \
	done; \
	echo "found no Python >= 3.11 with venv among: $(PYTHONS); try: make PYTHONS=/path/to/python3.11" >&2; exit 1

.venv/.runtime: pyproject.toml constraints.txt | .venv/.made
	@echo "installing rnnconv into .venv"
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/.bench: .venv/.runtime
	@echo "installing the peers of the bench into .venv"
	@$(INSTALL) --no-build-isolation --editable '.[bench]'
	@touch $@

.venv/.docs: .venv/.runtime
	@echo "installing what makes the manual into .venv"
	@$(INSTALL) --no-build-isolation --editable '.[docs]'
	@touch $@

.venv/.dev: .venv/.runtime
	@echo "installing the development tools into .venv"
	@$(INSTALL) --no-build-isolation --editable '.[dev]'
	@touch $@
