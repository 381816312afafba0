# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The integer forward pass gives TFLM's bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import graphs, keras_models
from support.model_builder import ModelBuilder
from support.model_core import options, quantized
from test_keras_layers import CASES, GRAPHS

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.quantize import multiply_by_quantized_multiplier
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.quantization import quantize
from tflm_patch.quantization.exact import ExactNetwork, NumpyArithmetic
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter

ARITHMETICS = ('numpy', 'keras')


def _arithmetic(name):
  if name == 'numpy':
    return NumpyArithmetic()
  from tflm_patch.quantization.exact.keras_arithmetic import KerasArithmetic

  return KerasArithmetic()


def _check(data, arithmetics, inputs=16, seed=0):
  """TFLM's bytes on patterns and noise."""
  model = parse_model(data)
  interpreter = Interpreter(data)
  arrays = list(sample_inputs(model, inputs, seed))
  wanted = [interpreter.invoke(each) for each in arrays]
  batch = [np.concatenate(each) for each in zip(*arrays)]
  for name in arithmetics:
    found = ExactNetwork(model, _arithmetic(name)).run_bytes(batch)
    for number, ours in enumerate(found):
      theirs = np.concatenate([each[number] for each in wanted])
      np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs, err_msg=name)


# ---- arithmetic ----

INT32 = st.integers(-(1 << 31) + 1, (1 << 31) - 1)
EDGES = np.array(
  [0, 1, -1, 2, 1 << 15, (1 << 15) - 1, -(1 << 15), 1 << 30, (1 << 31) - 1, -(1 << 31) + 1]
)


@pytest.mark.parametrize('name', ARITHMETICS)
def test_high_multiply(keras, name):
  arithmetic = _arithmetic(name)
  rng = np.random.default_rng(0)
  x = np.concatenate([np.repeat(EDGES, EDGES.size), rng.integers(-(1 << 31) + 1, 1 << 31, 5000)])
  y = np.concatenate([np.tile(EDGES, EDGES.size), rng.integers(-(1 << 31) + 1, 1 << 31, 5000)])
  found = arithmetic.high_multiply(arithmetic.integers(x), arithmetic.integers(y))
  wanted = [(int(a) * int(b) + (1 << 30)) >> 31 for a, b in zip(x, y)]
  np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), wanted)


@pytest.mark.parametrize('name', ARITHMETICS)
@pytest.mark.parametrize('shift', [-31, -30, -9, -1, 0, 1, 7, 30])
def test_multiply_has_both_roundings(keras, name, shift):
  arithmetic = _arithmetic(name)
  rng = np.random.default_rng(shift + 40)
  x = np.concatenate([EDGES, np.arange(-300, 300), rng.integers(-(1 << 31) + 1, 1 << 31, 2000)])
  for multiplier in (0, 1 << 30, (1 << 31) - 1, 1518500250):
    found = arithmetic.multiply(arithmetic.integers(x), multiplier, shift)
    wanted = [multiply_by_quantized_multiplier(int(each), multiplier, shift) for each in x]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), wanted)


@pytest.mark.parametrize('name', ARITHMETICS)
@pytest.mark.parametrize('terms', [1, 999, 1000, 1001, 1280, 5000])
def test_sums_of_extreme_products(keras, name, terms):
  arithmetic = _arithmetic(name)
  x = np.full((1, 3, terms), -128)
  x[0, 1] = 127
  weights = np.full((terms, 2), -127, np.int8)
  weights[:, 1] = 127
  found = keras.ops.convert_to_numpy(arithmetic.dot(arithmetic.integers(x), weights))
  np.testing.assert_array_equal(found, x.astype(np.int64) @ weights.astype(np.int64))


# ---- operators ----


@pytest.mark.parametrize('shape, kernel', [((1, 6, 6, 128), 3), ((1, 3, 3, 1280), 1)])
@pytest.mark.parametrize('sign', [-1, 1])
def test_extreme_weights(keras, shape, kernel, sign):
  b = ModelBuilder(3)
  x = b.input(shape)
  y = b.conv(x, 4, kernel)
  b.output(y)
  conv = b.operators[0]
  weights = b.tensors[conv.inputs[1]]
  extreme = np.full(weights.shape, 127 * sign, np.int8)
  extreme[1::2] *= -1
  weights.data = np.frombuffer(extreme.tobytes(), np.uint8)
  _check(b.build(), ARITHMETICS)


EXACT_CASES = {
  name: case
  for name, case in {**CASES, **GRAPHS}.items()
  if name not in ('conv2d_elu',)  # TFLM's table hangs on the C library's last bit
}


@pytest.mark.parametrize('name', EXACT_CASES)
def test_every_operator_that_quantize_writes(name):
  case = EXACT_CASES[name]
  model = keras_models.functional(case.shape, case.build)
  result = quantize(model, keras_models.random_samples(model, 8)[0])
  _check(result.data, ARITHMETICS)


@pytest.mark.parametrize('axis', [1, 2, 3])
def test_split(axis):
  b = ModelBuilder(axis)
  x = b.input((1, 6, 5, 8))
  parts = b.split_v(x, [1, b.shape(x)[axis] - 1], axis)
  for part in [*b.split(b.conv(x, 8, 1), 2), *parts]:
    b.output(b.max_pool(part, 1, 1))
  _check(b.build(), ARITHMETICS)


def test_blocks():
  b = ModelBuilder(2)
  x = b.input((1, 6, 4, 3))
  deep = b.conv(b.space_to_depth(x, 2), 8, 3)
  b.output(b.conv(b.depth_to_space(deep, 2), 4, 1))
  _check(b.build(), ARITHMETICS)


@pytest.mark.parametrize('axes', [(3,), (1, 3), (1, 2, 3)])
def test_means_over_channels(axes):
  b = ModelBuilder(4)
  b.output(b.mean(b.conv(b.input((1, 3, 4, 2)), 5, 3), axes))
  _check(b.build(), ARITHMETICS)


def _is_exact(network):
  try:
    ExactNetwork(parse_model(network.data))
  except TflmPatchError:
    return False  # float inputs and the like
  return True


@given(graphs.small_networks().filter(_is_exact))
def test_random_networks(network):
  _check(network.data, ['numpy'], inputs=14)


# ---- limits ----


def test_operators_without_an_exact_pass_are_named():
  b = ModelBuilder(1)
  x = b.input((1, 4, 4, 2))
  y = b.tensor(b.shape(x), DType.INT8, quantized(1 / 128, 0))
  b.add_operator('L2_NORMALIZATION', (x,), y, options('L2NormOptions'))
  b.output(y)
  with pytest.raises(TflmPatchError, match='L2_NORMALIZATION'):
    ExactNetwork(b.model())


def test_keras_arithmetic_has_no_wide_types(keras):
  arithmetic = _arithmetic('keras')
  seen = set()
  for name in ('high_multiply', 'shift_left', 'shift_right'):
    x = arithmetic.integers([1, 2])
    seen.add(keras.backend.standardize_dtype(getattr(arithmetic, name)(x, x).dtype))
  x = arithmetic.integers(np.ones((1, 2000)))
  seen.add(keras.backend.standardize_dtype(arithmetic.dot(x, np.ones((2000, 1), np.int8)).dtype))
  assert seen == {'int32'}
