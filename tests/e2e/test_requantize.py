# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE between integers and SOFTMAX to int16, on every value there is."""

import dataclasses

import numpy as np
import pytest
from support.compare import assert_same_bytes
from support.model_builder import ModelBuilder
from support.model_core import quantized

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter

FORCED = ConvertOptions(force_stage=True)
EVERY_INT16 = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, 16, 64, 64)
EVERY_INT8 = np.arange(-128, 128).astype(np.int8).reshape(1, 4, 8, 8)
SOME_INT32 = np.concatenate(
  [
    np.array([-(2**31), -(2**31) + 1, -1, 0, 1, 2**31 - 1], np.int32),
    np.random.default_rng(0).integers(-(2**31), 2**31, 2**12 - 6, np.int32),
  ]
).reshape(1, 4, 32, 32)
VALUES = {DType.INT8: EVERY_INT8, DType.INT16: EVERY_INT16, DType.INT32: SOME_INT32}
ZERO_POINTS = {DType.INT8: (-128, 3, 127), DType.INT16: (-32768, 0, 1234, 32767), DType.INT32: (0,)}
PAIRS = (
  (DType.INT8, DType.INT16),
  (DType.INT8, DType.INT32),
  (DType.INT16, DType.INT8),
  (DType.INT16, DType.INT16),
  (DType.INT16, DType.INT32),
  (DType.INT32, DType.INT8),
  (DType.INT32, DType.INT16),
)
RATIOS = (0.7, 1 / 3, 0.999999, 2.0**-7, 1e-9)
UPWARD = (1.0, 2.0, 1.5, 37.77, 2.0**14)  # not of int32


def model(source, target, scale, target_scale, from_point, to_point):
  b = ModelBuilder(1)
  x = b.input(VALUES[source].shape, DType.INT16)
  b.tensors[x] = dataclasses.replace(
    b.tensors[x], dtype=source, quantization=quantized(scale, from_point)
  )
  y = b.tensor(VALUES[source].shape, target, quantized(target_scale, to_point))
  b.add_operator('QUANTIZE', (x,), y)
  b.output(y)
  return b.build()


def check(data, values):
  result = convert_model(data, FORCED)
  assert result.stages and result.stock_operators == ()
  assert_same_bytes(Interpreter(data).invoke([values]), Interpreter(result.data).invoke([values]))


@pytest.mark.slow
@pytest.mark.parametrize('source, target', PAIRS, ids=lambda dtype: dtype.name.lower())
def test_every_value(source, target):
  for ratio in RATIOS if source == DType.INT32 else (*RATIOS, *UPWARD):
    for from_point in ZERO_POINTS[source]:
      for to_point in ZERO_POINTS[target]:
        check(model(source, target, 0.01 * ratio, 0.01, from_point, to_point), VALUES[source])


@pytest.mark.parametrize('scale', [2.0**-20, 0.003, 0.07, 0.5, 17.0])
def test_softmax_of_every_difference(scale):
  """Rows of two values, the larger of which is the largest there is; and of many."""
  pairs = np.stack([np.arange(-128, 128), np.full(256, 127)], axis=1).astype(np.int8)
  many = np.random.default_rng(1).integers(-128, 128, (1, 8, 4, 300)).astype(np.int8)
  for values in (pairs.reshape(1, 16, 16, 2), many):
    b = ModelBuilder(1)
    b.output(b.softmax_int16(b.input(values.shape, scale=scale)))
    check(b.build(), values)


@pytest.mark.parametrize(
  'change, word',
  [
    ((DType.INT32, DType.INT8, 0.01, 0.02, 5, 0), 'zero point'),
    ((DType.INT16, DType.INT32, 0.01, 0.02, 0, 7), 'zero point'),
    ((DType.INT32, DType.INT16, 0.02, 0.02, 0, 0), 'below 1'),
    ((DType.INT16, DType.INT32, 1.0, 2.0**-15, -9, 0), '2^15'),
    ((DType.INT8, DType.INT16, 1.0, 2.0**-22, -9, 0), '2^22'),
  ],
)
def test_what_tflm_leaves_open_stays_stock(change, word):
  result = convert_model(model(*change), FORCED)
  (stock,) = result.stock_operators
  assert stock.opcode == 'QUANTIZE' and word in stock.reason
