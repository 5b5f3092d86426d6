# The only commands anyone learns. A fresh machine needs Python 3.11+, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JUDGES := .venv-judges
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONHASHSEED ?= random

PAIR ?=
.PHONY: help dev demo test lint check pairs cut-short determinism sweep simulate simulate-company kills kill-test power full-disk undo-show restore-show corpora fidelity documents secrets secrets-suite fuzz conformance fix schema lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# The locked packages are installed first, then this checkout without its dependencies.
$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Tradepost needs Python 3.11 or newer; call make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

dev: $(VENV)/.ready  ## set up the environment
	@echo "Ready. Next: make demo, make test, make check"

demo: $(VENV)/.ready  ## run the main job against the embedded sandbox
	$(BIN)/tradepost demo

test: $(VENV)/.ready  ## run the tests (under 5 minutes on 2 cores)
	$(BIN)/python -m pytest -n 2 -q

lint: $(VENV)/.ready  ## style, types, import contracts, unit file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python deploy/verify.py

check: lint test  ## exactly what CI runs

pairs: $(VENV)/.ready  ## the main path over all six pairs (two minutes; the tests take three of them)
	TRADEPOST_PAIRS=all $(BIN)/python -m pytest -n 2 -q tests/paths/test_pairs.py tests/erase

cut-short: $(VENV)/.ready  ## undo, erase, restore, rebuild and setup die at every step in turn (about ten minutes)
	TRADEPOST_PAIRS=all $(BIN)/python -m pytest -n 2 -q tests/cut tests/undo/test_undo_edges.py

determinism: $(VENV)/.ready  ## fifty runs of one seed for every pair, the same log byte for byte (some minutes)
	$(BIN)/python -m tests.determinism

sweep: $(VENV)/.ready  ## crash the main path of every pair at every commit and network step (about an hour and a half)
	$(BIN)/python -m tests.sweep.run

SEEDS ?=
FIRST_SEED ?= 0
simulate: $(VENV)/.ready  ## weeks of small companies, each ruined in its own way: SEEDS=200 FIRST_SEED=0
	$(BIN)/python -m tests.simulate.run --seeds $(or $(SEEDS),200) --first $(FIRST_SEED)

simulate-company: $(VENV)/.ready  ## the same with 20 mailboxes and 5,000 mails: SEEDS=3 FIRST_SEED=0
	$(BIN)/python -m tests.simulate.run --size company --seeds $(or $(SEEDS),3) --first $(FIRST_SEED)

kills: $(VENV)/.ready  ## kill -9 the command `backfill` twenty times (a few minutes)
	$(BIN)/python -m tests.kill

kill-test: $(VENV)/.ready  ## kill -9, SIGTERM and SIGHUP for a daemon in a backfill of 2,000 mails, over a hundred times (PAIR=all for each pair)
	$(BIN)/python -m tests.killing --pair "$(or $(PAIR),gmail:zoho)"

power: $(VENV)/.ready  ## cut the power after every write to the disk in a small company's life (PAIR=all for each pair)
	$(BIN)/python -m tests.power --pair "$(or $(PAIR),gmail:zoho)"

full-disk: $(VENV)/.ready  ## a full disk at every size of the state, and room again (PAIR=all for each pair)
	$(BIN)/python -m tests.fulldisk --pair "$(or $(PAIR),gmail:zoho)"

RECORDS ?=
MAILS ?=
undo-show: $(VENV)/.ready  ## undo a backfill of RECORDS=10000 and do it again, over three pairs (it says how long; PAIR=all for six)
	$(BIN)/python -m tests.undo.run --records $(or $(RECORDS),10000) $(if $(PAIR),--pair $(PAIR))

restore-show: $(VENV)/.ready  ## restore and rebuild after MAILS=500 more, over every pair and mode of set-up (it says how long)
	$(BIN)/python -m tests.restore.run --mails $(or $(MAILS),500)

corpora: $(VENV)/.ready  ## mail that nobody here wrote, through the whole path (TRADEPOST_CORPORA or ../shared/corpora)
	$(BIN)/python -m tests.corpora.run

# The vendors' own clients live in an environment of their own, so that nobody else has to install them.
$(JUDGES)/.ready: requirements-judges.lock
	$(PYTHON) -m venv $(JUDGES)
	$(JUDGES)/bin/python -m pip install --quiet --require-hashes -r requirements-judges.lock
	@touch $@

fidelity: $(JUDGES)/.ready  ## let the vendors' own clients judge the sandbox (some minutes, mostly installing)
	$(JUDGES)/bin/python -m tests.judges

documents: $(VENV)/.ready  ## hold recorded traffic against the vendors' documents (TRADEPOST_SPECS or ../shared/vendors/specs)
	$(BIN)/python -m tests.documents

secrets: $(VENV)/.ready  ## plant secrets, texts, subjects and addresses in every pair, and look for them everywhere (two minutes)
	TRADEPOST_ALL_PAIRS=1 $(BIN)/python -m pytest -n 2 -q tests/secrets

SUITE ?= tests/paths tests/alarms tests/security tests/commands tests/commands_demo
secrets-suite: $(VENV)/.ready  ## search all that these tests' program says for every secret and mail of their worlds: SUITE=...
	$(BIN)/python -m pytest -q -p tests.secrets.plugin $(SUITE)

# The fuzzer stands in a folder of its own, so that nobody else has to install it.
.venv-fuzz/.ready: tests/fuzz/requirements.lock $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --upgrade --target .venv-fuzz -r tests/fuzz/requirements.lock
	@touch $@

MINUTES ?= 10
fuzz: .venv-fuzz/.ready  ## fuzz every parser of mail and replies for MINUTES=10 each, or PARSERS="mime html"
	$(BIN)/python -m tests.fuzz $(PARSERS) --minutes $(MINUTES)

conformance: $(VENV)/.ready  ## every connector, whole and spoiled, before the conformance kit (about a minute)
	$(BIN)/python -m tests.conformance.run

fix: $(VENV)/.ready  ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/.ready  ## write the JSON schema of the configuration
	$(BIN)/tradepost --lang en schema > config.schema.json

lock: $(VENV)/.ready  ## resolve the newest allowed packages into requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --extra sandbox --group dev --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --extra sandbox --group judges --constraint requirements.lock pyproject.toml -o requirements-judges.lock

clean:  ## remove what make made
	rm -rf $(VENV) $(JUDGES) .venv-fuzz .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist build
