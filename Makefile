# Two commands from a clean clone: `make demo` does the main job, `make test` runs the whole suite.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install scripts demo test quick soak check audit words format bench wheel clean
.DEFAULT_GOAL := demo

.venv/ready: pyproject.toml constraints.txt
	@echo "Installing, some minutes the first time…"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

install: .venv/ready
	@$(MAKE) --no-print-directory scripts

# The desk's scripts, built again if their source has changed. Without a registry this says so, and goes on.
scripts: templates/static/built/manifest.json

templates/static/built/manifest.json: $(wildcard frontend/*.js* frontend/build.sh frontend/src/*)
	@sh frontend/build.sh

demo: install
	$(BIN)/daisychain demo

test: install
	$(BIN)/python -m pytest

# No database, no other processes, no Chromium: less than a minute, once installed.
quick: .venv/ready
	$(BIN)/python -m pytest --quick

soak: .venv/ready
	$(BIN)/python -m pytest -m slow

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	sh frontend/build.sh check
	$(BIN)/python -m pytest -n 0 tests/test_house.py

# Whether a pinned version has a known vulnerability. It asks pypi.org, and fails if one version can't be asked about.
audit: .venv/audit/ready
	.venv/audit/bin/pip-audit --strict --progress-spinner off --no-deps --disable-pip --requirement constraints.txt || \
		{ echo "Not clean: a vulnerability is named above, or pypi.org could not be asked about every version." >&2; exit 1; }

.venv/audit/ready: .venv/ready
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/pip install --quiet --constraint constraints.txt pip-audit
	touch $@

words: .venv/ready
	$(BIN)/python -m tests.test_words

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python -m benchmarks

wheel: install
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv build dist *.egg-info frontend/node_modules templates/static/built
