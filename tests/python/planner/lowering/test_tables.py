# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators by a table: all 256 results are those of TFLM's own kernel."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import examples
from support.model_builder import ModelBuilder
from support.model_core import quantized

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter

OPERATORS = ('logistic', 'tanh', 'hard_swish', 'elu', 'abs', 'relu', 'leaky_relu')
ALL = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def scales(low: int, high: int) -> st.SearchStrategy[float]:
  """Powers of two, and what lies between them."""
  exponents = st.one_of(st.integers(low, high), st.floats(low, high))
  return exponents.map(lambda exponent: float(np.float32(2.0**exponent)))


def zero_points() -> st.SearchStrategy[int]:
  return st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))


def build(name: str, source, target, alpha: float = 0.1) -> bytes:
  b = ModelBuilder()
  x = b.input((1, 256), DType.INT8, *source)
  y = b.leaky_relu(x, alpha) if name == 'leaky_relu' else getattr(b, name)(x)
  b.tensors[y] = dataclasses.replace(b.tensors[y], quantization=quantized(*target))
  b.output(y)
  return b.build()


def check(data: bytes) -> bool:
  """Whether a stage holds the operator, with the results of TFLM's kernel."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  result = convert_model(data, ConvertOptions(force_stage=True))
  if not result.stages:
    return False
  (wanted,) = Interpreter(data).invoke([ALL])
  (made,) = Interpreter(result.data).invoke([ALL])
  different = np.flatnonzero(wanted != made)
  assert different.size == 0, (ALL[0, different], wanted[0, different], made[0, different])
  return True


@pytest.mark.slow
@settings(max_examples=examples(300), deadline=None)
@given(
  st.sampled_from(OPERATORS),
  st.tuples(scales(-12, 3), zero_points()),
  st.tuples(scales(-12, 3), zero_points()),
  st.floats(0, 2, width=32),
)
def test_usual_scales(name, source, target, alpha):
  if name == 'logistic':
    target = target[0], -128
  is_fine = name == 'hard_swish' and source[0] / 128 >= target[0]
  if not check(build(name, source, target, alpha)):
    assert is_fine or name == 'elu'


@pytest.mark.slow
@settings(max_examples=examples(200), deadline=None)
@given(
  st.sampled_from(OPERATORS),
  st.tuples(scales(-39, 39), zero_points()),
  st.tuples(scales(-39, 39), zero_points()),
  st.sampled_from([0.0, 1e-30, 0.3, 1.0, 1e30]),
)
def test_any_scales(name, source, target, alpha):
  check(build(name, source, (target[0], -128 if name == 'logistic' else target[1]), alpha))


@pytest.mark.slow
@settings(max_examples=examples(100), deadline=None)
@given(scales(-39, 39), scales(-39, 39), zero_points())
def test_rsqrt(source, target, zero_point):
  check(build('rsqrt', (source, -128), (target, zero_point)))


def test_rsqrt_is_held():
  assert check(build('rsqrt', (0.05, -128), (0.03, -100)))


def test_rsqrt_of_negative_values_stays_stock():
  """TFLM's kernel fails on a value below the zero point: a table cannot."""
  result = convert_model(
    build('rsqrt', (0.05, -127), (0.03, -100)), ConvertOptions(force_stage=True)
  )
  assert not result.stages


@pytest.mark.slow
def test_elu_of_usual_scales_is_held():
  """Only tables that hang on the last bit of expf are refused: few are."""
  rng = np.random.default_rng(0)
  held = [
    check(build('elu', (float(np.float32(scale)), zero_point), (1 / 64, -64)))
    for scale, zero_point in zip(rng.uniform(0.01, 0.1, 50), range(-25, 25))
  ]
  assert sum(held) >= 45
