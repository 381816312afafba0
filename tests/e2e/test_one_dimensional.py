# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""1-D networks as Keras converts them: maps [1, steps, channels] with RESHAPEs around 2-D ones."""

import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType

INPUTS = 8
STEPS = 96


class Lines(ModelBuilder):
  """1-D layers: EXPAND_DIMS to one row, the 2-D operator, RESHAPE back."""

  def _line(self, x: int) -> int:
    return self.expand_dims(x, 1)

  def _back(self, x: int, squeeze: bool) -> int:
    _, _, steps, channels = self.shape(x)
    return self.squeeze(x, (1,)) if squeeze else self.reshape(x, (1, steps, channels))

  def conv1d(self, x: int, channels: int, kernel: int, squeeze: bool = False, **kw) -> int:
    stride, dilation = kw.pop('stride', 1), kw.pop('dilation', 1)
    y = self.conv(self._line(x), channels, (1, kernel), (1, stride), dilation=(1, dilation), **kw)
    return self._back(y, squeeze)

  def depthwise1d(self, x: int, kernel: int, **kw) -> int:
    return self._back(self.depthwise(self._line(x), 1, (1, kernel), **kw), False)

  def pool1d(self, x: int, name: str, size: int) -> int:
    return self._back(getattr(self, f'{name}_pool')(self._line(x), (1, size), (1, size)), True)


def _network(seed: int, dtype: DType = DType.INT8, float_io: bool = False) -> bytes:
  b = Lines(seed)
  shape = (1, STEPS, 3)
  x = b.quantize(b.input(shape, DType.FLOAT32), dtype) if float_io else b.input(shape, dtype)
  x = b.conv1d(x, 8, 5, activation='RELU')
  x = b.conv1d(x, 8, 3, squeeze=True, dilation=2, padding='VALID')
  x = b.pool1d(x, 'max', 2)
  x = b.depthwise1d(x, 5, activation='RELU6')
  x = b.add(x, b.conv1d(x, 8, 1))
  x = b.conv1d(x, 12, 3, stride=2)
  x = b.pool1d(x, 'average', 3)
  _, steps, channels = b.shape(x)
  x = b.fully_connected(b.reshape(x, (1, steps * channels)), 6)
  b.output(b.dequantize(x) if float_io else x)
  return b.build()


@pytest.mark.parametrize(
  'dtype, float_io, seed', [(DType.INT8, False, 0), (DType.INT8, True, 1), (DType.INT16, True, 2)]
)
def test_network_streams(dtype, float_io, seed):
  """One stage without a copy, and less memory than its largest map."""
  data = _network(seed, dtype, float_io)
  result = check_conversion(data, ConvertOptions(), INPUTS, seed)
  (stage,) = result.stages
  assert result.stock_operators == ()
  assert not [op.name for op in stage.plan.graph.ops if op.name.startswith('RESHAPE')]
  assert stage.plan.workspace_bytes < STEPS * 8 * dtype.bytes
  check_conversion(data, ConvertOptions(force_stage=True, plugins=('-line_to_column',)), INPUTS)


def _lines(name: str, b: Lines) -> int:
  x = b.input((1, 1, STEPS, 6))
  if name == 'padded':
    return b.conv(b.pad_spatial(x, 0, 0, 4, 0), 5, (1, 5), padding='VALID')
  if name == 'padded_rows':
    return b.conv(b.pad_spatial(x, 1, 1, 0, 0), 5, (3, 5), padding='VALID')
  if name == 'same_rows':
    return b.conv(x, 5, 3)
  if name == 'read_twice':
    return b.concat([x, b.conv(b.relu6(x), 6, (1, 3), like=x)])
  if name == 'shared':
    y = b.conv(x, 6, (1, 3))
    b.output(y)
    return b.add(y, b.conv(y, 6, (1, 1)))
  if name == 'operand':
    return b.mul(b.conv(x, 6, (1, 3)), b.constant_operand((1, 1, 1, 6)))
  if name == 'whole_operand':
    return b.mul(b.conv(x, 6, (1, 3)), b.constant_operand((1, 1, STEPS, 6)))
  if name == 'mean':
    return b.mean(b.conv(x, 6, (1, 3)))
  if name == 'resized':
    return b.conv(b.resize_nearest(b.conv(x, 6, (1, 3)), 2, STEPS), 4, 3)
  return b.average_pool(b.conv(x, 6, (1, 3)), (1, STEPS), 1)


@pytest.mark.parametrize(
  'name',
  [
    'padded',
    'padded_rows',
    'same_rows',
    'read_twice',
    'shared',
    'operand',
    'whole_operand',
    'mean',
    'resized',
    'global_pool',
  ],
)
def test_lines_are_exact(name):
  b = Lines(3)
  b.output(_lines(name, b))
  data = b.build()
  check_conversion(data, ConvertOptions(force_stage=True), INPUTS)
  check_conversion(data, ConvertOptions(), INPUTS)


def test_square_kernels_keep_their_rows():
  b = Lines(3)
  b.output(_lines('same_rows', b))
  result = convert_model(b.build(), ConvertOptions(force_stage=True))
  assert [change.plugin for change in result.changes if change.plugin == 'line_to_column'] == []
