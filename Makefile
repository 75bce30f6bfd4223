# `make run` and `make test` do all the set-up they need; both are quick the second time.
# Variables: PYTHON (3.11 or newer), HOST, PORT, DATA_DIR, TORCH (the CPU build that converts the embedded model).

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
DATA_DIR ?= data
TORCH ?= torch==2.13.0
# What a server that does everything needs; the tests need more.
EXTRAS := prepare,image,music,documents,terminal
TEST_EXTRAS := $(EXTRAS),torch,gguf,tensorrt-rtx,dev
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install --progress-bar off --quiet
# A slow registry is waited for, and one that answers nothing is asked once more a little later.
export PIP_DEFAULT_TIMEOUT ?= 60
export PIP_RETRIES ?= 8
export npm_config_fetch_retries ?= 5
again = for last in no yes; do $(1) && break; test $$last = no || exit 1; \
  echo "That failed; once more in 20 seconds" >&2; sleep 20; done
STATIC := server/antiphon_server/static
WEB_SOURCES := $(shell find clients/web -path clients/web/node_modules -prune -o -type f -print)
# Node from PATH where it is new enough, else the one that the extra [web] carries.
NODE_PATH = $(shell $(BIN)/python clients/web/node_path.py)

.PHONY: run test test-fast lint format types imports check web models clean

run: $(STAMPS)/install $(STATIC)/index.html models
	$(BIN)/antiphon serve --host $(HOST) --port $(PORT) --data-dir $(DATA_DIR) --open-room

test: $(STAMPS)/dev $(STATIC)/index.html models
	@$(BIN)/python tests/support/ensure_chromium.py
	$(MAKE) --no-print-directory web-test
	$(BIN)/python -m pytest

test-fast: $(STAMPS)/dev $(STATIC)/index.html models
	$(BIN)/python -m pytest -m "not slow and not e2e"

check: lint types imports

lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMPS)/dev
	$(BIN)/mypy -p antiphon_proto -p antiphon_engines -p antiphon_server -p antiphon_client

imports: $(STAMPS)/dev
	$(BIN)/lint-imports

web: $(STATIC)/index.html

models: $(STAMPS)/install
	@$(call again,$(BIN)/antiphon models prepare)
	-$(BIN)/antiphon engines build

clean:
	rm -rf $(VENV) $(STAMPS) $(STATIC) clients/web/node_modules

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	@$(call again,$(PIP) --upgrade pip)
	@mkdir -p $(STAMPS) && touch $@

# Torch is named first and alone, so that no other package pulls a CUDA build of it.
$(STAMPS)/install: pyproject.toml $(STAMPS)/venv
	@echo "Installing Antiphon into $(VENV)"
	@$(call again,$(PIP) "$(TORCH)")
	@$(call again,$(PIP) --editable ".[$(EXTRAS)]")
	@touch $@

$(STAMPS)/dev: pyproject.toml $(STAMPS)/install
	@echo "Installing what the tests need"
	@$(call again,$(PIP) --editable ".[$(TEST_EXTRAS)]")
	@touch $@

$(STAMPS)/npm: clients/web/package-lock.json $(STAMPS)/install
	@echo "Installing the web client's packages"
	@$(BIN)/python clients/web/node_path.py >/dev/null 2>&1 || { $(call again,$(PIP) --editable ".[web]"); }
	@$(call again,(cd clients/web && PATH="$(NODE_PATH):$$PATH" npm ci --no-audit --no-fund --loglevel=error))
	@touch $@

$(STATIC)/index.html: $(STAMPS)/npm $(WEB_SOURCES)
	@echo "Building the web client"
	cd clients/web && PATH="$(NODE_PATH):$$PATH" npm run --silent build
	@touch $@

.PHONY: web-test
web-test: $(STAMPS)/npm
	cd clients/web && PATH="$(NODE_PATH):$$PATH" npm run --silent check
	cd clients/web && PATH="$(NODE_PATH):$$PATH" npm test --silent
