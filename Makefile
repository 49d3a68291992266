# Two commands from a clean clone: `make demo` does the main job, `make test` runs the whole suite.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test quick soak check words format bench wheel clean
.DEFAULT_GOAL := demo

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

install: .venv/ready

demo: .venv/ready
	$(BIN)/daisychain demo

test: .venv/ready
	$(BIN)/python -m pytest

# No database, no other processes, no Chromium: less than a minute.
quick: .venv/ready
	$(BIN)/python -m pytest --quick

soak: .venv/ready
	$(BIN)/python -m pytest -m slow

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 0 tests/test_house.py

words: .venv/ready
	$(BIN)/python -m tests.test_words

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python -m benchmarks

wheel: .venv/ready
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv build dist *.egg-info
