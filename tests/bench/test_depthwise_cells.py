# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""3x3 depthwise convolutions of rows of few columns, on an emulated Cortex-M4."""

import itertools

import pytest
from support import emulated
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions
from tflm_patch.bench.measure import measure, prepare
from tflm_patch.planner.options import PlanOptions
from tflm_patch.program.records import Kind

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')

# Borders on all sides, groups of fewer than four channels, windows wider than the map, rows
# that are just, and just not, made cell by cell.
COLUMNS = (1, 2, 5, 31, 32)


def network(seed, channels):
  """A row of maps of every width, each read with both strides and both paddings."""
  b = ModelBuilder(seed)
  outputs = []
  for cols in COLUMNS:
    x = b.conv(b.input((1, 4, cols, 3)), channels, 1)
    for stride, padding in itertools.product((1, 2), ('SAME', 'VALID')):
      if padding == 'VALID' and cols < 3:
        continue
      like = 'RELU6' if stride == 1 else 'NONE'
      y = b.depthwise(x, 1, 3, stride, padding=padding, activation=like)
      outputs.append(y)
  b.output(*outputs)
  return b.build()


@pytest.mark.slow
@pytest.mark.parametrize(('channels', 'schedule'), [(7, 'layer'), (8, 'auto')])
def test_every_byte(tmp_path, channels, schedule):
  core = emulated.core('cortex-m4')
  path = tmp_path / 'model.tflite'
  path.write_bytes(network(channels, channels))
  options = ConvertOptions(force_stage=True, plan=PlanOptions(schedule=schedule))
  result = measure(prepare(path, options), core)
  kinds = [cost.operator.kind for cost in result.operators]
  assert kinds.count(Kind.DEPTHWISE_CONV_2D) > 12
  assert result.bit_exact
