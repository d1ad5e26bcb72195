# Two commands do everything from a fresh clone: `make book` and `make test`.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PY := $(BIN)/python
READY := .venv/ready

# A relative folder or archive means the same from here and from a notebook's folder.
ifneq ($(filter-out bundled,$(CNNCOURSE_DATA)),)
export CNNCOURSE_DATA := $(abspath $(CNNCOURSE_DATA))
endif

.PHONY: help book test serve release notebooks lock bench clean lint unit notebooks-test pages

help:
	@echo "make book       build the book: _build/html/index.html"
	@echo "make test       everything that is checked: style, types, package, notebooks, book, browser"
	@echo "make serve      build the book and show it on http://localhost:8000"
	@echo "make release    the built book as one offline zip and as one PDF, beside its pages"
	@echo "make notebooks  write the notebooks beside the chapters anew"
	@echo "make bench      measure speed, as ratios"
	@echo "make lock       resolve the exact versions of requirements.lock anew"
	@echo "make clean      remove what was built, keep the environment"

$(READY): pyproject.toml requirements.lock tools/set_up.py
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python was not found: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) tools/set_up.py

book: $(READY)
	$(PY) -m tools.build_book

serve: book
	$(PY) -m tools.serve

release: book
	$(PY) -m tools.release

notebooks: $(READY)
	$(PY) -m tools.notebooks

lock: $(READY)
	$(PY) -m uv pip compile --quiet --universal --upgrade --extra book --extra test --python-version 3.11 \
	  --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

bench: $(READY)
	$(PY) -m benchmarks

clean:
	rm -rf _build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache

# The parts of `make test`, in its order: the quickest to fail first.
test: $(READY)
	$(PY) -m tools.find_chromium
	$(MAKE) lint unit notebooks-test book pages

lint: $(READY)
	$(PY) -m pre_commit run --all-files

unit: $(READY)
	$(PY) -m pytest -q -n 2 --dist loadfile --doctest-modules --doctest-glob README.md \
	  tests cnncourse README.md --ignore tests/book

notebooks-test: $(READY)
	$(PY) -m tools.notebooks --test

pages: $(READY)
	$(PY) -m pytest -q -n 2 tests/book
