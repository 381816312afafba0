# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites fire where they are exact, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions
from tflm_patch.conversion import plugins as registry
from tflm_patch.conversion.finish import finish
from tflm_patch.conversion.plugins import Context, all_plugins, run_plugins, select
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType

FORCED = ConvertOptions(force_stage=True)
INPUTS = 10


def opcodes(data: bytes, *plugins: str, int8_io: bool = False) -> list[str]:
  """Operators after the rewrites."""
  entries = select(plugins).rewrites
  model, _ = run_plugins(parse_model(data), entries, Context(int8_io=int8_io))
  return [operator.opcode for operator in model.main.operators]


def padded(value: int | None = None, padding: str = 'VALID', extra_reader: bool = False) -> bytes:
  b = ModelBuilder(2)
  x = b.input((1, 8, 7, 4), zero_point=5)
  y = b.pad(x, [(0, 0), (1, 2), (0, 3), (0, 0)], value)
  b.output(b.conv(y, 5, padding=padding, stride=2))
  if extra_reader:
    b.output(b.relu(y))
  return b.build()


def test_pad_goes_into_the_convolution():
  assert opcodes(padded()) == ['CONV_2D']
  check_conversion(padded(), FORCED, INPUTS)


@pytest.mark.parametrize(
  'data', [padded(padding='SAME'), padded(extra_reader=True)], ids=['same', 'two readers']
)
def test_pad_stays(data):
  assert 'PAD' in opcodes(data)
  check_conversion(data, FORCED, INPUTS)


def test_pad_with_another_value_stays():
  assert opcodes(padded(value=-100))[0] == 'PADV2'
  check_conversion(padded(value=-100), FORCED, INPUTS)


def test_unfold_gives_the_pad_back():
  entries = select(['fold_pad']).rewrites
  model, changes = run_plugins(parse_model(padded()), entries, Context())
  assert len(changes) == 1
  model = finish(model)
  assert [operator.opcode for operator in model.main.operators] == ['PAD', 'CONV_2D']
  pads = model.main.tensors[model.main.operators[0].inputs[1]].array()
  assert np.array_equal(pads, [[0, 0], [1, 2], [0, 3], [0, 0]])


def transposed_mean(first: int, second: int, permutation: tuple[int, ...] = (0, 3, 1, 2)) -> bytes:
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 5, 6, 3)), 4)
  y = b.transpose(x, permutation)
  z = b.mean(b.mean(y, (first,), keep_dims=False), (second,), keep_dims=False)
  b.output(b.fully_connected(z, 3))
  return b.build()


@pytest.mark.parametrize(('first', 'second'), [(3, 2), (2, 2)])
def test_mean_of_a_transposed_map(first, second):
  data = transposed_mean(first, second)
  assert 'TRANSPOSE' not in opcodes(data)
  result = check_conversion(data, FORCED, INPUTS)
  assert len(result.model.main.operators) == 1


@pytest.mark.parametrize(
  'data', [transposed_mean(1, 2), transposed_mean(3, 1)], ids=['channels', 'channels second']
)
def test_other_means_of_a_transposed_map_stay(data):
  assert 'TRANSPOSE' in opcodes(data)
  check_conversion(data, FORCED, INPUTS)


def boundary(dtype: DType) -> bytes:
  b = ModelBuilder(6)
  x = b.quantize(b.input((1, 6, 5, 3), dtype))
  b.output(b.dequantize(b.conv(x, 4)))
  return b.build()


def test_boundary_stays_without_the_option():
  assert opcodes(boundary(DType.FLOAT32)) == ['QUANTIZE', 'CONV_2D', 'DEQUANTIZE']


def test_boundary_is_folded_with_the_option():
  data = boundary(DType.FLOAT32)
  assert opcodes(data, int8_io=True) == ['CONV_2D']
  result = check_conversion(data, ConvertOptions(int8_io=True, force_stage=True), INPUTS)
  graph = result.model.main
  assert {graph.tensors[t].dtype for t in (*graph.inputs, *graph.outputs)} == {DType.INT8}


def test_reshapes_that_change_nothing_go():
  b = ModelBuilder(8)
  x = b.conv(b.input((1, 4, 4, 3)), 4)
  y = b.reshape(b.reshape(b.reshape(x, (1, 4, 4, 4)), (1, 8, 2, 4)), (1, 64))
  b.output(b.fully_connected(y, 3))
  data = b.build()
  assert opcodes(data) == ['CONV_2D', 'RESHAPE', 'FULLY_CONNECTED']
  check_conversion(data, FORCED, INPUTS)


def test_selection():
  names = [entry.name for entry in all_plugins()]
  assert [entry.name for entry in select([]).rewrites] == names
  only = select(['fold_pad'])
  assert [entry.name for entry in only.rewrites] == ['fold_pad'] and only.stage is None
  rest = select(['-fold_pad'])
  assert 'fold_pad' not in [entry.name for entry in rest.rewrites] and rest.stage is not None
  with pytest.raises(TflmPatchError, match='fold_pad'):
    select(['nonsense'])
  with pytest.raises(TflmPatchError, match='not both'):
    select(['fold_pad', '-stage'])


def test_a_broken_plugin_of_another_package_is_named(monkeypatch):
  class Point:
    name, value, dist = 'theirs', 'their_package.plugin', None

    def load(self):
      raise ImportError('no such module')

  monkeypatch.setattr(registry, '_entry_points', lambda path: (Point(),))
  with pytest.raises(TflmPatchError, match='their_package') as error:
    select([])
  assert '\n' not in str(error.value)
