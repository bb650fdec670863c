# The front door. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo up test lint bench docs lock env clean

help:
	@echo "make setup   virtual environment with the locked dependencies, and .venv/bin/biglog"
	@echo "make demo    the nightly DAGs over recorded real logs, to a report you can open"
	@echo "make up      Airflow with its UI on 127.0.0.1:8080 over the same data"
	@echo "make test    the tests        make lint   ruff and mypy        make bench  the benchmarks"
	@echo "make docs    pages that are generated from the code            make lock   new versions"
	@echo "make env     .env with fresh secrets, for docker compose"

setup: $(STAMP)

# torch goes first and through pip: pip alone picks the build (CPU or GPU) that this machine is
# set up for, with what that build needs. Everything else is in the lock, exactly.
$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "BigLog needs Python 3.11 or newer, got $$($(PYTHON) --version). Try: make setup PYTHON=python3.12"; exit 2; }
	@echo "[1/4] torch"; $(BIN)/pip install -q --disable-pip-version-check torch==2.13.0 uv==0.13.8
	@echo "[2/4] locked dependencies"; $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --no-deps -r requirements.lock
	@echo "[3/4] biglog"; $(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q plugins
	@echo "[4/4] byte kernels"; $(BIN)/python -m biglog.precompile
	@touch $@

demo: setup
	@$(BIN)/biglog demo

up: setup
	@$(BIN)/biglog up

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: setup
	@$(BIN)/python -m benchmarks

docs: setup
	@$(BIN)/python docs/generate.py

# The lock leaves out torch and what only its GPU build needs (see setup).
lock: setup
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--no-annotate --no-header -q -o requirements.lock
	@sed -i -E '/^(nvidia-|cuda-|triton==|torch==)/d' requirements.lock

env:
	@$(PYTHON) docker/make_env.py

clean:
	rm -rf $(VENV) .biglog build .mypy_cache .ruff_cache
