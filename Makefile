# Everything a person or a server runs. `make` alone shows what there is.

# The first Python that is new enough, or the one named: make setup PYTHON=python3.13
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# none or cuda: what llama.cpp is built for
GPU ?= none

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := .venv/.setup-$(GPU)
LOCK_TOOLS := build/lock

export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup model ray demo test lint format bench lock clean distclean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  GPU=cuda and PYTHON=python3.x can be given to each"

setup: $(STAMP) ## Make .venv with everything, llama.cpp built for this machine

# llama.cpp comes first: pip then finds its exact version installed and does not build it anew.
$(STAMP): pyproject.toml requirements.lock tools/llama_wheel.py tools/llama_flags.py | $(BIN)/python
	@rm -f .venv/.setup-*
	$(BIN)/python tools/llama_wheel.py --gpu $(GPU)
	$(PIP) install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python tools/llama_wheel.py --gpu $(GPU) --try
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "没有找到 Python 3.11 或更新版本 / Python 3.11 or newer is needed" >&2; exit 1; }
	$(PYTHON) -m venv .venv

model: setup ## Fetch the demo model (1.1 GB) unless it is there
	$(BIN)/qc model pull demo

ray: setup ## Add Ray, an extra: without it the tests of --ray are skipped
	$(PIP) install --quiet --require-hashes --requirement requirements-ray.lock

demo: model ## Judge the invented surgery records and show the result
	$(BIN)/qc run rulebooks/surgery_consistency.yaml --data examples/surgery/records.csv --out out/demo

test: model ## Run every test, those with the real model included
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: setup ## Style, types and the one-way imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tools/llama_flags.py tools/llama_wheel.py
	$(BIN)/lint-imports

format: setup ## Rewrite the code in the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: model ## Measure the pre-filter and the model against plain ways of doing the same
	$(BIN)/python -m bench.run

# Versions stay as they are unless UPGRADE=1. No addresses: every site has its own mirror.
LOCK = CUSTOM_COMPILE_COMMAND="make lock" $(LOCK_TOOLS)/bin/pip-compile --quiet --generate-hashes \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras \
	$(if $(UPGRADE),--upgrade)

lock: ## Write the lock files anew (UPGRADE=1 for newer versions)
	@test -x $(LOCK_TOOLS)/bin/pip-compile || { $(PYTHON) -m venv $(LOCK_TOOLS) && $(LOCK_TOOLS)/bin/pip install --quiet pip-tools; }
	$(LOCK) --extra llama --extra dev --build-deps-for editable \
		--output-file requirements.lock pyproject.toml
	$(LOCK) --extra ray --constraint requirements.lock \
		--output-file requirements-ray.lock pyproject.toml
	@! grep -nE '://|--index|--find-links|--trusted-host' requirements.lock requirements-ray.lock

clean: ## Remove what was built, reports and caches; .venv and models stay
	rm -rf build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find dsl compiler runtime tests tools -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## Also remove .venv
	rm -rf .venv
