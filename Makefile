# The two commands of a newcomer: `make demo` shows a container at work, `make test` checks everything.

.PHONY: help setup demo setup-tests lint test bench man clean

help:
	@echo 'make demo    set up this checkout, build an image and run it'
	@echo 'make test    set up what the tests need and run all checks (one part: make test T=tests/unit)'
	@echo 'make setup   make bin/argosy ready to run'
	@echo 'make bench   measure against the peers'
	@echo 'make man     write the manual pages anew'
	@echo 'make clean   remove what the above have made, .venv included'

setup:
	@tools/setup

demo: setup
	@tools/demo

setup-tests:
	@tools/setup-tests

lint: setup-tests
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy

test: lint
	.venv/bin/python tools/runtests.py $(T)

bench: setup-tests
	.venv/bin/python -m bench

man: setup
	.venv/bin/python tools/manpages.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
