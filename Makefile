# The front door. Each target first makes ready what it needs (tools/setup.py); what is ready
# already is reused. With another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
JOBS ?= 2

VENV := .venv/bin
SETUP := @$(PYTHON) tools/setup.py

# PlatformIO as the tests and the demo run it: a core of our own, no registry, nothing sent home.
export PLATFORMIO_CORE_DIR := $(CURDIR)/.cache/platformio-core
export PLATFORMIO_SETTING_ENABLE_TELEMETRY := no
export PLATFORMIO_DISABLE_UPGRADE_CHECK := true

.PHONY: help
help:
	@echo 'make demo      the whole story, on this machine, in a minute'
	@echo 'make test      what is quick enough to run all the time'
	@echo 'make test-all  everything'
	@echo 'make device    build/device/verify-image and build/device/emulated-device'
	@echo 'make cross     the portable core compiled for the chips, and what it needs of them'
	@echo 'make verdicts  every vector through every verifier, in one table'
	@echo 'make fuzz      the fuzzers, each for FUZZ_SECONDS (30) seconds'
	@echo 'make size      how much of a chip the core takes, with the goal beside it'
	@echo 'make bench     measurements against peers (BENCH=<group> for one group)'
	@echo 'make lint      formatters, linters, type checker'
	@echo 'make clean     removes what was built (clean-all: .venv and .cache too)'

include device.mk
include fuzz.mk
include cross.mk
include rv32.mk

.PHONY: setup setup-device setup-lint setup-bench setup-test
setup:
	$(SETUP) device python platformio
setup-device:
	$(SETUP) device
setup-lint:
	$(SETUP) device lint
setup-bench: setup
	$(SETUP) bench
setup-test: setup
	$(SETUP) test

.PHONY: demo test test-all bench verdicts
demo: setup
	@$(VENV)/python tools/demo.py

# The markers: pyproject.toml leaves the slow tests out, and an empty -m takes everything.
test test-all: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) device device-test cross rv32
	$(VENV)/python -m pytest -n $(JOBS) --dist loadfile $(if $(filter test-all,$@),-m '')

verdicts: setup
	@$(MAKE) --no-print-directory -j$(JOBS) device device-asan device-mbedtls3
	@$(VENV)/python tools/compare_verdicts.py

bench: setup-bench
	@$(MAKE) --no-print-directory -j$(JOBS) device rv32
	@$(VENV)/python -m bench $(BENCH)

.PHONY: lint lint-python lint-types lint-format lint-tidy
lint: lint-python lint-types lint-format lint-tidy

lint-python: setup-lint
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

lint-types: setup-lint
	$(VENV)/mypy

OUR_CXX = git ls-files --cached --others --exclude-standard '*.cpp' '*.h' '*.ino'
lint-format: setup-lint
	@echo clang-format
	@$(OUR_CXX) | xargs clang-format --dry-run -Werror

lint-tidy: setup-lint
	@echo clang-tidy
	@printf '%s\n' $(DEVICE_CORE) | xargs -n 1 -P $(JOBS) sh -c \
	  'clang-tidy --quiet "$$0" -- -std=$(CXX_STANDARD) -fno-exceptions -fno-rtti -Isrc $(MBEDTLS_CFLAGS)'

.PHONY: clean clean-all
clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info examples/*/.pio
clean-all: clean
	rm -rf .venv .cache
