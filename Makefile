# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
#
# make demo   installs into .venv, converts the sample model, verifies it in TFLM
# make check  installs into .venv, runs the checks and the unit tests: a minute
# make test   installs into .venv, runs every check and test

PYTHON ?= python3
PYTEST_ARGS ?= --numprocesses auto --dist worksteal
VENV := .venv
BIN := $(VENV)/bin
DEMO := .build/demo
ENSUREPIP := $(shell $(PYTHON) -c 'import ensurepip' 2>/dev/null && echo yes)
COMPILERS := $(shell command -v $${CC:-gcc} >/dev/null && command -v $${CXX:-g++} >/dev/null && echo yes)

.PHONY: demo lint check test clean

$(VENV)/installed: setup.py pyproject.toml $(wildcard tflm_patch/planner/native/*.[ch]) $(wildcard tflm_patch/bench/trace/*.[ch]) $(wildcard micro_kernels/src/*) $(wildcard micro_kernels/tflm/*) $(wildcard micro_kernels/host/*) $(wildcard micro_kernels/include/tflm_patch/*.h) $(wildcard micro_kernels/include/tflm_patch/tflm/*.h)
ifneq ($(ENSUREPIP),yes)
	$(error $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv)
endif
ifneq ($(COMPILERS),yes)
	$(error the host library needs a C and a C++ compiler; on Debian: apt-get install gcc g++)
endif
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,plot]'
	# Of aeon the examples read data alone; its own dependencies would bring other versions of ours.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'aeon>=1,<2'
	touch $@

demo: $(VENV)/installed
	mkdir -p $(DEMO)
	cp tflm_patch/sample/digits_64_int8.tflite $(DEMO)/sample.tflite
	$(BIN)/tflm-patch convert $(DEMO)/sample.tflite
	$(BIN)/tflm-patch verify $(DEMO)/sample.tflite $(DEMO)/sample_patch.tflite
	$(BIN)/tflm-patch analyze $(DEMO)/sample.tflite --plot $(DEMO)/memory.png > $(DEMO)/analysis.txt
	@echo "chart: $(DEMO)/memory.png, table: $(DEMO)/analysis.txt"

lint: $(VENV)/installed
	$(BIN)/ruff check --extend-exclude .build .
	find examples micro_kernels tests tflm_patch -name '*.[ch]' -o -name '*.cc' | xargs $(BIN)/clang-format --dry-run --Werror
	$(BIN)/mypy
ifneq ($(shell grep -s importlinter pyproject.toml),)
	$(BIN)/lint-imports
endif

# Unit tests mirror the folders of the source; those marked `slow` build, emulate, convert real
# models or draw many examples, and are left out.
check: lint
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m 'not slow' tests/python

test: lint
	$(BIN)/python -m pytest $(PYTEST_ARGS)

clean:
	rm -rf .build $(VENV)
