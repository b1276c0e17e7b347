# Filterlab's commands; README.md gives the same without make.
#   make lab     set up, build, open JupyterLab          make test   set up and run every check
#   make setup   only .venv                              make demo   grade a sample class
#   make build   lessons/ → notebooks                    make adopt  source/ → lessons/
#   make bench   measure, print, write build/bench.json  make clean  remove what the others made

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# alembic, which nbgrader starts, must be found, too.
export PATH := $(CURDIR)/$(BIN):$(PATH)
READY := $(VENV)/.ready
FORCE ?=
# In a container everybody is root, which Jupyter wants to be told.
ROOT := $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

.PHONY: help setup lab demo build adopt test bench clean system

help:
	@sed -n '2,5s/^# *//p' Makefile

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Filterlab needs Python 3.11 or newer; %s is %s. Name another one: make PYTHON=python3.12" % (sys.executable, sys.version.split()[0]))'
	@echo "Setting up $(VENV): a few minutes the first time (about 2 GB with a CPU build of torch)"
	$(PYTHON) -m venv $(VENV)
	python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@python -c "open('$(READY)', 'w').close()"

lab: build
	python -m jupyterlab $(ROOT) notebooks/start_here.ipynb

build: setup
	python -m tools.build $(if $(FORCE),--force)

adopt: setup
	python -m tools.adopt

demo: build
	python -m tools.demo

# Chromium and bubblewrap come from the system; where they cannot be installed, the tests that need them say so and are skipped.
system:
	@sh tools/system_packages.sh

test: setup system
	python -m ruff check .
	python -m pytest

bench: setup
	python -m tools.bench $(PARTS)

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache filterlab.egg-info gradebook.db
