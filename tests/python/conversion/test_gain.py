# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Stages are made only where they save enough of the target's arena."""

import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.arena import FIRMWARE_32, FIRMWARE_64, predict, stage_operator_bytes
from tflm_patch.conversion.judge import Goal
from tflm_patch.graph.types import DType


def dense_autoencoder():
  """Dense layers between floats: what a stage saves on 8-byte pointers it costs on 4-byte ones."""
  b = ModelBuilder(3)
  x = b.quantize(b.input((1, 128), DType.FLOAT32))
  for units in (16, 8, 16):
    x = b.fully_connected(x, units, activation='RELU')
  b.output(b.dequantize(b.fully_connected(x, 128)))
  return b.build()


def flatten_in_a_float_model():
  b = ModelBuilder(4)
  x = b.input((1, 4, 4, 3), DType.FLOAT32)
  for _ in range(2):
    y = b.tensor((1, 4, 4, 3), DType.FLOAT32)
    b.add_operator('LOGISTIC', (x,), y)
    b._spread[y] = b.spread(x)
    x = y
  b.output(b.reshape(x, (1, 48)))
  return b.build()


@pytest.mark.parametrize('make', [dense_autoencoder, flatten_in_a_float_model])
def test_what_saves_too_little_stays_as_it_is(make):
  data = make()
  result = check_conversion(data, ConvertOptions(), 2)
  stock = predict(result.original, build=FIRMWARE_32).total
  if result.changed:
    assert result.converted_arena.total <= 0.98 * stock
    assert result.converted_arena.total < stock - stage_operator_bytes(FIRMWARE_32)
  else:
    assert result.data == data and result.converted_arena.total == stock


def test_a_reshape_alone_is_no_stage_unless_forced():
  b = ModelBuilder(5)
  b.output(b.reshape(b.input((1, 8, 8, 4)), (1, 256)))
  result = convert_model(b.build())
  assert not result.stages and 'another shape' in result.stock_operators[0].reason
  assert convert_model(b.build(), ConvertOptions(force_stage=True)).stages


def test_the_least_gain():
  goal = Goal(FIRMWARE_32)
  own = stage_operator_bytes(FIRMWARE_32)
  assert own == 32 + 2 * 12 + 4  # node; program and constants; handle of the workspace
  assert stage_operator_bytes(FIRMWARE_64) == 64 + 2 * 24 + 8
  assert goal.least_gain(1_000) == own + 1
  assert goal.least_gain(100_000) == 2_001
  assert goal.least_gain(1_000, stages=2) == 2 * own + 1


def network():
  b = ModelBuilder(6)
  x = b.conv(b.input((1, 24, 20, 3)), 8, 3, 2)
  x = b.conv(b.depthwise(b.conv(x, 16, 1), 1, 3, 2), 12, 1)
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


@pytest.mark.parametrize('pointer_bytes', [4, 8])
def test_arenas_are_the_targets(pointer_bytes):
  result = convert_model(network(), ConvertOptions(pointer_bytes=pointer_bytes))
  build = {4: FIRMWARE_32, 8: FIRMWARE_64}[pointer_bytes]
  assert result.original_arena == predict(result.original, build=build)
  assert result.converted_arena == predict(result.model, build=build)
  assert result.converted_arena_host == predict(result.model)
  found = result.to_json()
  assert found['schema_version'] == 2 and found['pointer_bytes'] == pointer_bytes
  assert found['converted']['arena_total'] == result.converted_arena.total
  assert found['converted']['arena_host'] == result.converted_arena_host.total
  assert found['converted']['arena_required'] == result.converted_arena.required
  assert found['converted']['arena_total'] < found['converted']['arena_host']


def test_stages_that_save_little_each_are_made_where_they_save_enough_together():
  """Persistent memory of many convolutions, in stages that a stock operator separates."""
  b = ModelBuilder(7)
  x = b.input((1, 8, 8, 16))
  for _ in range(16):
    x = b.leaky_relu(b.conv(b.conv(x, 32, 1), 16, 1), -0.5)
  b.output(x)
  result = check_conversion(b.build(), ConvertOptions(), 2)
  assert result.changed and len(result.stages) > 1
  without = predict(result.original, build=FIRMWARE_32).total
  assert result.converted_arena.total < 0.8 * without
