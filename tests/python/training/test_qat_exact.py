# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Both forward passes on random networks: a small version of benchmarks/qat_exact.py."""

import importlib
import pathlib
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / 'benchmarks'


@pytest.fixture(scope='module')
def benchmark(keras):
  sys.path.insert(0, str(BENCHMARKS))
  try:
    yield importlib.import_module('qat_exact')
  finally:
    sys.path.remove(str(BENCHMARKS))


@pytest.mark.slow
def test_random_networks(benchmark):
  figures = benchmark.measure(networks=3, inputs=10, seed=5)
  assert figures['exact_differing_bytes'] == 0
  assert figures['training_equal_share'] >= benchmark.MIN_SHARE
