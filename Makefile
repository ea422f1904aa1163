# Every command a contributor needs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv/bin
COVERAGE := $(VENV)/coverage
# One more than the cores it was measured on: half of the tests wait for other processes.
WORKERS ?= 3
# llama.cpp's own server as a library: only `bench` compares with it.
PEER := xllamacpp==2026.10.11549
SETUP := $(PYTHON) packaging/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help run setup ready test test-slow test-gpu bench check check-catalogue format screenshots texts wheel package smoke clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## set up on first use, then open the window
	@$(SETUP) run && exec $(VENV)/cove

setup: ## set up what `run` needs and stop there
	@$(SETUP) setup

ready:
	@$(SETUP) test

test: ready ## checks, then the tests (about three minutes)
	$(MAKE) --no-print-directory check
	rm -f .coverage .coverage.*
	# What fails beside two others is tried once more alone: on a busy machine that tells a bug from a deadline.
	$(COVERAGE) run -m pytest -m "not slow" -n $(WORKERS) --dist worksteal \
	    || $(COVERAGE) run -m pytest -m "not slow" --last-failed --last-failed-no-failures none
	$(COVERAGE) combine -q
	$(COVERAGE) report --include "app/*" --fail-under 90

test-slow: ready ## the rest of the tests; compiles llama.cpp once
	$(VENV)/python -m pytest -m "slow and not gpu" -o faulthandler_timeout=1200

test-gpu: ready ## tests on a Vulkan device (a software one will do); needs a build with Vulkan
	$(VENV)/python -m pytest -m gpu -o faulthandler_timeout=1200

bench: ready ## measure what matters; prints tables
	@$(VENV)/python -m pip install -q --no-deps "$(PEER)" || echo "without $(PEER): its column stays empty"
	@$(VENV)/python -m tests.benchmarks $(ARGS)

check: ready ## lint, format and types
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy

format: ready ## let ruff mend what it can
	$(VENV)/ruff check --fix-only
	$(VENV)/ruff format

screenshots: ready ## draw the pictures in resources/screenshots
	$(VENV)/python -m tests.ui.screenshots $(ARGS)

check-catalogue: ready ## ask the Hub whether resources/catalogue.toml is still true
	PYTHONPATH=. $(VENV)/python packaging/check_catalogue.py

texts: ready ## give resources/i18n a line for each new text of the window
	$(VENV)/python -m tests.ui.texts.catalogues

wheel: ## build the engine that ships: every processor, Vulkan, RPC (15 minutes)
	@$(PYTHON) packaging/wheel/make_wheel.py

package: ## make the .deb and the .tar.zst in dist/
	@$(PYTHON) packaging/package.py

smoke: ## try the packages on bare Debians (as root)
	@$(PYTHON) packaging/smoke/smoke.py $(ARGS)
	@$(PYTHON) packaging/sizes.py

clean: ## remove everything that was built, .venv too
	rm -rf .venv build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
