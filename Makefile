# make demo   from nothing to one answered access request, then stops everything       → var/demo
# make up     the same stack, left running; prints URLs and the sign-in               → var/embedded
# make down   stops what `make up` started
# make test   every promise, the shortest way that shows it   make lint   style, types, import rules
# make test-thorough   the other ways: each right through Airflow, other people, other sizes
# make test-production   each right in the production shape, run natively (Celery, PostgreSQL, Redis, S3), and what goes there
# make soak   kill -9 at random moments, many times over, and every fault in every call; takes hours
# make audit  known weaknesses of the locked packages, as far as a service answers; secrets in the repository
# make bench  measurements         make clean  removes state and caches, keeps .venv
#
# Needs Python 3.11+, make and git. Options: make demo ARGS="--people 2000"; make test ARGS="-m 'not airflow'".

SHELL := /bin/sh
VENV := $(or $(UV_PROJECT_ENVIRONMENT),.venv)
PYTHON_IN := $(VENV)/bin/python
STAMP := $(VENV)/.in-line-with-lock
ARGS :=
# Test processes side by side. One of them holds the tests with Airflow, which take the longest and mostly wait.
JOBS := 3

.DEFAULT_GOAL := help
.PHONY: help demo up down status test test-thorough test-production soak lint audit bench clean

help:
	@sed -n 's/^# //p' Makefile | sed '/^$$/q'

$(STAMP): pyproject.toml uv.lock scripts/bootstrap
	@PYTHON="$(PYTHON)" scripts/bootstrap

demo: $(STAMP)
	@$(PYTHON_IN) -m embedded demo $(ARGS)

up: $(STAMP)
	@$(PYTHON_IN) -m embedded up $(ARGS)

down: $(STAMP)
	@$(PYTHON_IN) -m embedded down

status: $(STAMP)
	@$(PYTHON_IN) -m embedded status

test: $(STAMP)
	@$(PYTHON_IN) -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder --durations=25 $(ARGS)

test-thorough: $(STAMP)
	@$(PYTHON_IN) -m pytest -m "thorough and not soak and not production" -n $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-production: $(STAMP)
	@$(PYTHON_IN) -m pytest -m "production and not soak" --durations=25 tests/production $(ARGS)

soak: $(STAMP)
	@$(PYTHON_IN) -m pytest -m "soak and not production" $(ARGS)
	@$(PYTHON_IN) -m pytest -m production tests/production $(ARGS)

lint: $(STAMP)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

audit: $(STAMP)
	@$(PYTHON_IN) scripts/audit.py $(ARGS)

bench: $(STAMP)
	@$(PYTHON_IN) -m benchmarks $(ARGS)

clean:
	@if [ -x $(PYTHON_IN) ]; then $(PYTHON_IN) -m embedded down; fi
	@rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
