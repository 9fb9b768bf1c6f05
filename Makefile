# A thin cover over packaging/bootstrap.py; needs python3 and nothing else.
PYTHON ?= python3
BOOT := $(PYTHON) packaging/bootstrap.py

.PHONY: help run test setup check bench package clean
.DEFAULT_GOAL := help

help:
	@echo "make run    [FILES=…]             open Partwise on its sample, or on FILES"
	@echo "make test   [ARGS=…]              check the code and run the tests (ARGS for pytest)"
	@echo "make setup                        make the environment .venv, nothing else"
	@echo "make check                        lint, format, types, imports, spelling"
	@echo "make bench  NAME=… [ARGS=…]       run a measurement of tests/bench"
	@echo "make package [ARGS=…]             freeze the program: dist/partwise and a .deb"
	@echo "make clean                        remove the environment, results and caches"

run:
	@$(BOOT) run $(FILES)

test:
	@$(BOOT) test $(ARGS)

setup:
	@$(BOOT) setup

check:
	@$(BOOT) check

bench:
	@$(BOOT) bench $(NAME) $(ARGS)

package:
	@$(BOOT) freeze $(ARGS)

clean:
	rm -rf .venv results dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find core app plugins resources packaging tests -name __pycache__ -type d -prune -exec rm -rf {} +
