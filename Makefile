# Everything a developer runs. `make serve` and `make test` set up what they need by themselves.

PYTHON ?= python3
PORT ?= 8000
DATA ?= frontdesk-data
ONLY ?=
MINUTES ?= 10
TORCH ?=
DB ?=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# A folder `build` or `test` in the checkout must not be mistaken for a target.
.PHONY: help serve test setup check fix lint types imports unit services services-postgresql services-mariadb journeys faults \
        frontend-check coverage system pins reference pictures bench clean

# ---------------------------------------------------------------- set-up, done once and then skipped

READY_TO_SERVE := .venv/.ready-to-serve
READY_TO_TEST := .venv/.ready-to-test
READY_WITH_TORCH := .venv/.ready-with-torch
WITH_TORCH := $(if $(strip $(TORCH)),$(READY_WITH_TORCH))
PAGES := src/frontdesk/serve/static/.built
FRONTEND_SOURCES := $(shell find frontend -name node_modules -prune -o -type f -print 2>/dev/null)

$(READY_TO_SERVE): pyproject.toml scripts/pins.txt scripts/venv.sh
	@scripts/venv.sh "$(PYTHON)" examples $@

$(READY_TO_TEST): pyproject.toml scripts/pins.txt scripts/venv.sh
	@scripts/venv.sh "$(PYTHON)" test $@ $(READY_TO_SERVE)

# Hundreds of megabytes, or some gigabytes where pip finds the build for graphics cards only: when it is asked for.
$(READY_WITH_TORCH): pyproject.toml scripts/pins.txt scripts/venv.sh
	@scripts/venv.sh "$(PYTHON)" torch $@

$(PAGES): $(FRONTEND_SOURCES) scripts/frontend.sh
	@scripts/frontend.sh $@

help:
	@echo "make serve [PORT=8000] [DATA=folder]  set up and start frontdesk with the examples"
	@echo "make test                             set up and run every check, as the build server does"
	@echo "make test ONLY=tests/desk             run some tests; anything pytest takes: a file, ::a_test, -k word"
	@echo "make serve TORCH=1 | test TORCH=1     with PyTorch, which learns the example digits"
	@echo "make services DB=postgresql|mariadb   the service tests on a database server"
	@echo "make check                            the quick half: lint, types, imports, unit"
	@echo "make fix                              mend what can be mended without thinking"
	@echo "make lint | types | imports | unit | services | journeys | frontend-check   one stage"
	@echo "make faults [MINUTES=10]              kill, freeze and restart a whole installation under load, and judge"
	@echo "make reference | pictures             write what the docs take from the code, and from the running product"
	@echo "make bench | pins | clean             figures beside other tools, pinned versions, start over"

setup: $(READY_TO_TEST) $(WITH_TORCH) $(PAGES)

serve: $(READY_TO_SERVE) $(WITH_TORCH) $(PAGES)
	@exec .venv/bin/frontdesk serve examples/flowers examples/photos examples/wine examples/clock.py \
	    $(if $(WITH_TORCH)$(wildcard $(READY_WITH_TORCH)),examples/digits) \
	    --public "*" --port "$(PORT)" --data "$(DATA)"

# ---------------------------------------------------------------- checks

ifeq ($(strip $(ONLY)),)
# Side by side what waits for the network; what such a stage says is then printed when it ends.
test:
	@SIDE_BY_SIDE=yes $(MAKE) -j4 system setup lint types imports frontend-check
	@for stage in unit services services-postgresql services-mariadb journeys coverage; do \
	    $(MAKE) "$$stage" || exit 1; done
	@scripts/stage.sh faults $(MAKE) faults MINUTES=1
	@echo "make test: every stage passed."
else
test: setup
	@.venv/bin/pytest $(ONLY)
endif

check: setup
	@for stage in lint types imports unit; do $(MAKE) "$$stage" || exit 1; done

lint: $(READY_TO_TEST)
	@scripts/stage.sh lint .venv/bin/ruff check .
	@scripts/stage.sh format .venv/bin/ruff format --check --quiet .

types: $(READY_TO_TEST)
	@scripts/stage.sh types .venv/bin/mypy

imports: $(READY_TO_TEST)
	@scripts/stage.sh imports .venv/bin/lint-imports

frontend-check: $(PAGES)
	@cd frontend && ../scripts/stage.sh frontend-check npm run --silent check

# A file of tests is run by one process, from its first test to its last; so many files are run at a time. Most tests
# wait more than they work.
FILES_AT_A_TIME := --dist=loadfile --numprocesses
# The floor is under all of them together: see the target `coverage`.
COVERED := --cov --cov-report= --cov-fail-under=0

unit: setup
	@rm -f .coverage .coverage.*
	@scripts/stage.sh unit .venv/bin/pytest $(FILES_AT_A_TIME) 4 --ignore=tests/services --ignore=tests/journeys \
	    $(COVERED) tests

# DB=postgresql or DB=mariadb: on a server that the tests start.
services: setup
	@FRONTDESK_TEST_DATABASE=$(or $(DB),sqlite) scripts/stage.sh "services on $(or $(DB),sqlite)" .venv/bin/pytest \
	    $(FILES_AT_A_TIME) 3 $(if $(DB),,$(COVERED) --cov-append) tests/services

services-postgresql services-mariadb: services-%:
	@$(MAKE) services DB=$*

journeys: setup
	@scripts/stage.sh journeys .venv/bin/pytest $(FILES_AT_A_TIME) 2 tests/journeys

# PostgreSQL, Redis, nginx, two web replicas and three workers, hurt at random for so many minutes under load.
faults: setup
	@cd tests && ../.venv/bin/python -m faults $(MINUTES)

coverage: $(READY_TO_TEST)
	@scripts/stage.sh coverage .venv/bin/coverage report --skip-covered --show-missing

fix: $(READY_TO_TEST)
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

system:
	@scripts/system.sh

# ---------------------------------------------------------------- now and then

pins: $(READY_TO_TEST)
	@scripts/pins.sh

reference: $(READY_TO_TEST)
	@.venv/bin/python scripts/reference.py

pictures: setup
	@.venv/bin/python scripts/pictures.py

bench: setup
	@for bench in online jobs batch panel page; do .venv/bin/python bench/$$bench.py || exit 1; done

clean:
	rm -rf .venv bench/.venvs frontend/node_modules src/frontdesk/serve/static .coverage
