# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD and MEAN of sequences reach stages, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.plugins import Context, run_plugins, select
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType

FORCED = ConvertOptions(force_stage=True)
INPUTS = 8


def causal(pads=((0, 0), (4, 0), (0, 0)), value: int | None = None) -> bytes:
  """As Keras writes Conv1D(padding='causal')."""
  b = ModelBuilder(4)
  x = b.relu(b.input((1, 30, 6), zero_point=7))
  x = b.expand_dims(b.pad(x, list(pads), value), 1)
  x = b.conv(x, 8, kernel=(1, 3), dilation=(1, 2), padding='VALID')
  _, _, steps, channels = b.shape(x)
  x = b.reshape(x, (1, steps, channels))
  b.output(b.fully_connected(b.mean(x, (1,), keep_dims=False), 3))
  return b.build()


def test_causal_convolutions_become_one_stage():
  result = check_conversion(causal(), FORCED, INPUTS)
  assert [operator.opcode for operator in result.model.main.operators] == ['CUSTOM']
  plugins = [change.plugin for change in result.changes]
  assert 'rank_4' in plugins and 'fold_pad' in plugins


def test_other_values_and_padded_channels_are_exact():
  check_conversion(causal(value=-100), FORCED, INPUTS)
  check_conversion(causal(pads=((0, 0), (2, 3), (1, 2))), FORCED, INPUTS)


@pytest.mark.parametrize('keep_dims', [False, True])
@pytest.mark.parametrize('axis', [1, -2])
def test_means_of_sequences_are_exact(axis, keep_dims):
  b = ModelBuilder(6)
  b.output(b.mean(b.relu(b.input((1, 23, 5))), (axis,), keep_dims))
  result = check_conversion(b.build(), FORCED, INPUTS)
  assert 'MEAN' not in {op.opcode for op in parse_model(result.data).main.operators}


@pytest.mark.parametrize('axis', [0, 2])
def test_means_of_other_axes_stay(axis):
  b = ModelBuilder(6)
  b.output(b.mean(b.relu(b.input((1, 23, 5))), (axis,)))
  changes = convert_model(b.build(), FORCED).changes
  assert not any(change.plugin == 'rank_4' for change in changes)


def test_padded_batches_stay():
  b = ModelBuilder(6)
  b.output(b.pad(b.relu(b.input((1, 23, 5))), [(0, 1), (0, 0), (0, 0)]))
  result = convert_model(b.build(), FORCED)
  assert not any(change.plugin == 'rank_4' for change in result.changes)
  check_conversion(b.build(), FORCED, INPUTS)


@pytest.mark.parametrize('dtype', [DType.FLOAT32, DType.INT64, DType.BOOL])
def test_axes_and_paddings_of_other_types_stay(dtype):
  for data in (causal(), mean_of_sequence()):
    model = parse_model(data)
    graph = model.main
    for operator in list(graph.operators):
      if operator.opcode in ('PAD', 'MEAN'):
        numbers = graph.tensors[operator.inputs[1]]
        values = numbers.array().astype(dtype.numpy)
        numbers.dtype, numbers.data = dtype, np.frombuffer(values.tobytes(), np.uint8)
    entries = select(['rank_4']).rewrites
    assert run_plugins(model, entries, Context())[1] == []


def mean_of_sequence() -> bytes:
  b = ModelBuilder(6)
  b.output(b.mean(b.relu(b.input((1, 23, 5))), (1,)))
  return b.build()
