# What to type: `make start` to learn, `make test` to prove that it works, `make bench` to measure it,
# `make test-vm` (as root, twenty minutes) to prove it in virtual machines, `make test-neighbours` (as root, with Docker
# installed, five minutes) to prove that who is idle passes nothing, `make soak` (as root, a quarter of an hour) to kill
# the helper by the thousand, `make pictures` (as root) for README's pictures, `make clean`.
# Needs Python 3.11 or newer with its venv module; nothing else of the machine is changed outside this folder.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt
# The system's own Python first: it is the one that every user of the machine may run.
PYTHONS := /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11

.PHONY: start test test-neighbours test-vm soak bench pictures clean

start: $(VENV)/installed
	@$(BIN)/workshop start

test: $(VENV)/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy workshop checks tests benchmarks vm
	$(BIN)/pytest

test-neighbours: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.neighbours --engine box
	$(BIN)/python -m tests.neighbours --engine docker

test-vm: $(VENV)/installed
	vm/test.sh

# As a learner's Python does, this one keeps what it compiled.
bench: export PYTHONDONTWRITEBYTECODE =
bench: $(VENV)/installed-for-tests
	@for file in `grep -l __main__ benchmarks/*.py`; do $(BIN)/python "$$file" || exit 1; done

soak: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.soak

pictures: $(VENV)/installed-for-tests
	@$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Stamps: installed again only when what is depended on has changed.
$(VENV)/installed: $(BIN)/python $(INPUTS)
	@echo "Installing into $(VENV), once; this takes about half a minute."
	@$(PIP) --editable . && touch $@

$(VENV)/installed-for-tests: $(BIN)/python $(INPUTS)
	@$(PIP) --editable '.[test]' && touch $@ $(VENV)/installed

$(BIN)/python:
	@old=; bare=; \
	for python in $(PYTHONS); do \
	  command -v $$python >/dev/null || continue; \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { old=$${old:-"$$python is `$$python --version`"}; continue; }; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { bare=$${bare:-$$python}; continue; }; \
	  exec $$python -m venv --clear $(VENV); \
	done; \
	if [ -n "$$bare" ]; then \
	  echo "$$bare lacks the module venv, which makes the folder $(VENV). Install it with:" >&2; \
	  echo "  sudo apt-get install python3-venv" >&2; \
	else \
	  echo "Python 3.11 or newer is needed, and $${old:-there is no python3 here}. On Debian 12, Ubuntu 24.04 or newer:" >&2; \
	  echo "  sudo apt-get install python3 python3-venv" >&2; \
	fi; exit 1
