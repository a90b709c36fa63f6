# make demo            a trading day on this machine;  make demo ARGS="--once --orders 200 --seed 11"
# make test lint       what CI runs
# make faults          hundreds of seeded kills while orders flow
# make bench           side-by-side measurements
# make pins            renew requirements/*.txt from pyproject.toml (needs uv)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Hashes are those of the pinned files, wherever they are fetched from.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 10 --timeout 60
PIN := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --upgrade
TESTS ?= tests
WORKERS ?= 2

.PHONY: demo test lint format faults bench pins clean
.DEFAULT_GOAL := demo

$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "CPython 3.11 or newer is needed; name it with make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV) (once, a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@for attempt in 1 2 3; do \
		$(PIP_INSTALL) --require-hashes -r requirements/dev.txt && exit 0; \
		echo "Attempt $$attempt to install the requirements failed."; sleep 3; \
	done; exit 1
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/retailops demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --session-timeout 1500 $(ARGS) $(TESTS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

faults: $(READY)
	$(BIN)/python -m pytest tests/faults -m faults -s $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

pins:
	$(PIN) --extra hub --extra embedded --extra data --extra verify --output-file requirements/hub.txt
	$(PIN) --all-extras --constraint requirements/hub.txt --output-file requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
