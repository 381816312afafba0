# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
import dataclasses

import numpy as np
import pytest
from runtime_models import SHAPE, chain, file_bytes, quantization, relu_float_io, relu_int8

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Model, Subgraph, Tensor
from tflm_patch.runtime import verify
from tflm_patch.runtime.inputs import sample_inputs

RELU = file_bytes(relu_int8())
RELU6 = file_bytes(chain([DType.INT8, DType.INT8], ['RELU6']))


def inputs_of(model, count=16, seed=0):
  return list(sample_inputs(model, count, seed))


def all_values():
  """Every int8 value, over several inputs."""
  values = np.arange(-128, 128).astype(np.int8).reshape(-1, *SHAPE)
  return [[array] for array in values]


# ---- inputs ----


@pytest.mark.parametrize(
  ('dtype', 'low', 'high'),
  [(DType.INT8, -128, 127), (DType.UINT8, 0, 255), (DType.INT16, -32768, 32767)],
)
def test_integer_inputs(dtype, low, high):
  zero = 3
  model = Model(
    [Subgraph([Tensor('x', SHAPE, dtype, quantization=quantization(0.1, zero))], [], (0,), (0,))]
  )
  arrays = [array for (array,) in inputs_of(model, 64)]
  assert len(arrays) == 64
  assert all(array.dtype == dtype.numpy and array.shape == SHAPE for array in arrays)
  assert (arrays[0] == low).all()
  assert (arrays[1] == high).all()
  assert (arrays[2] == zero).all()
  assert arrays[3].flat[0] == low
  assert arrays[3].flat[-1] == high
  assert (np.diff(arrays[3].ravel().astype(int)) >= 0).all()
  np.testing.assert_array_equal(arrays[4].ravel(), arrays[3].ravel()[::-1])
  assert len({array.tobytes() for array in arrays}) == 64


def test_inputs_are_the_same_for_the_same_seed():
  model = relu_int8()
  first, again, other = inputs_of(model, 32, 5), inputs_of(model, 32, 5), inputs_of(model, 32, 6)
  assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
  assert not np.array_equal(first[31][0], other[31][0])


def test_float_inputs_are_around_the_quantized_range():
  model = relu_float_io()
  quantized = model.main.tensors[1].quantization
  low, high = (quantized.scale * (end - quantized.zero_point) for end in (-128, 127))
  arrays = [array for (array,) in inputs_of(model, 64)]
  assert all(array.dtype == np.float32 for array in arrays)
  np.testing.assert_array_equal(arrays[0], np.full(SHAPE, np.float32(low)))
  np.testing.assert_array_equal(arrays[1], np.full(SHAPE, np.float32(high)))
  assert (arrays[2] == 0).all()
  everything = np.concatenate([array.ravel() for array in arrays])
  assert everything.min() < low
  assert everything.max() > high
  steps = np.concatenate([array.ravel() for array in arrays[10:]]) / quantized.scale
  assert (np.abs(steps - np.rint(steps)) > 0.1).mean() > 0.5


def test_float_and_index_inputs_without_a_quantization():
  tensors = [
    Tensor('x', SHAPE, DType.FLOAT32),
    Tensor('i', (3,), DType.INT32),
    Tensor('s', (), DType.INT8),
  ]
  model = Model([Subgraph(tensors, [], (0, 1, 2), (0,))])
  for values, indices, scalar in inputs_of(model, 40):
    assert np.abs(values).max() < 2
    assert indices.dtype == np.int32
    assert set(indices) <= {0, 1}
    assert scalar.shape == ()


# ---- comparison ----


def test_equal_models(needs_tflm):
  seen = []
  result = verify.compare(RELU, RELU, inputs_of(relu_int8()), progress=seen.append)
  assert result == verify.Comparison(inputs=16, different=0, first=None)
  assert result.bit_exact
  assert seen == list(range(1, 17))


def test_different_models(needs_tflm):
  # ReLU6 ends at 6 / 0.05 - 20 = 100.
  arrays = [np.full(SHAPE, 100, np.int8), np.full(SHAPE, -128, np.int8)]
  arrays[1].flat[21] = 101
  arrays[1].flat[22] = 127
  result = verify.compare(RELU, RELU6, [[array] for array in arrays])
  assert not result.bit_exact
  assert result.inputs == 2
  assert result.different == 1
  assert result.first == verify.Mismatch(1, 0, 21, original=101, converted=100)
  assert '101 in the original' in str(result.first)


def test_nothing_compared_is_not_bit_exact(needs_tflm):
  assert not verify.compare(RELU, RELU, []).bit_exact


def test_floats_are_compared_by_their_bytes():
  made = [np.float32([0.0, np.nan, 1.0])]
  assert verify.first_mismatch(0, made, [made[0].copy()]) is None
  mismatch = verify.first_mismatch(3, [np.float32([-0.0, np.nan, 1.0])], made)
  assert (mismatch.input, mismatch.position) == (3, 0)


def test_incomparable_outputs(needs_tflm):
  wide = chain([DType.INT8, DType.FLOAT32], ['DEQUANTIZE'])
  with pytest.raises(TflmPatchError, match=r'output 0 is int8 .* float32 .* in the converted'):
    verify.compare(RELU, file_bytes(wide), inputs_of(relu_int8(), 1))


# ---- 8-bit inputs and outputs for float ones ----


def test_int8_conversion_of_a_float_model(needs_tflm):
  original, converted = relu_float_io(), relu_int8()
  adapter = verify.io_adapter(original, converted)
  inputs = all_values() + inputs_of(converted)
  result = verify.compare(file_bytes(original), RELU, inputs, adapter)
  assert result.bit_exact
  assert result.inputs == 8 + 16


@pytest.mark.parametrize('scale', [1e-8, 0.0039215688593685627, 0.05, 1 / 3, 7.3, 1e6])
@pytest.mark.parametrize('zero_point', [-128, -1, 0, 127])
def test_every_quantized_value_is_reached(needs_tflm, scale, zero_point):
  """QUANTIZE of TFLM gives back each value that the adapter made a float of."""
  numbers = quantization(scale, zero_point)
  original = chain([DType.FLOAT32, DType.INT8], ['QUANTIZE'], [None, numbers])
  converted = chain([DType.INT8, DType.INT8], ['RELU'], [numbers, numbers])
  adapter = verify.io_adapter(original, converted)
  with verify.IsolatedInterpreter(file_bytes(original)) as interpreter:
    for arrays in all_values():
      (quantized,) = interpreter.invoke(adapter.original_inputs(arrays))
      np.testing.assert_array_equal(quantized, arrays[0])


def test_a_wrong_int8_conversion_is_found(needs_tflm):
  original = relu_float_io()
  wrong = chain([DType.INT8, DType.INT8], ['RELU6'])
  adapter = verify.io_adapter(original, wrong)
  result = verify.compare(file_bytes(original), file_bytes(wrong), all_values(), adapter)
  assert not result.bit_exact
  assert result.first.converted == pytest.approx(6.0)


def test_uint8_for_int8_of_the_same_scale(needs_tflm):
  original = chain(
    [DType.UINT8, DType.INT8, DType.INT8],
    ['QUANTIZE', 'RELU'],
    [quantization(zero_point=108), quantization(), quantization()],
  )
  adapter = verify.io_adapter(original, relu_int8())
  result = verify.compare(file_bytes(original), RELU, all_values(), adapter)
  assert result.bit_exact


def test_equal_types_need_no_adapter():
  assert verify.io_adapter(relu_int8(), relu_int8()) is None


@pytest.mark.parametrize(
  'converted',
  [
    chain([DType.INT8, DType.INT8], ['RELU'], [None, None]),
    chain([DType.INT16, DType.FLOAT32], ['DEQUANTIZE']),
    Model([dataclasses.replace(relu_int8().main, inputs=(0, 0))]),
  ],
)
def test_models_that_cannot_be_compared(converted):
  original = chain([DType.UINT8, DType.FLOAT32], ['DEQUANTIZE'])
  with pytest.raises(TflmPatchError, match='the models cannot be compared'):
    verify.io_adapter(original, converted)
