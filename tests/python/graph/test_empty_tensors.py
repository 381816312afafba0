# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Tensors of shape [0]: an LSTM's intermediates only carry scales."""

import pytest
from support import stateful_models
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.codegen.model import describe
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.program.records import Kind
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import compare


def lstm_of(model):
  (found,) = [op for op in model.main.operators if op.opcode == 'UNIDIRECTIONAL_SEQUENCE_LSTM']
  return found, [model.main.tensors[i] for i in found.origin.intermediates]


NO_POWER_OF_TWO = 0.0003


def test_layers_around_an_lstm_are_staged():
  data = stateful_models.recurrent(cell_scale=NO_POWER_OF_TWO)
  result = convert_model(data, ConvertOptions(force_stage=True))
  kinds = describe(result.data).kinds
  assert {Kind.CONV_2D, Kind.FULLY_CONNECTED, Kind.SOFTMAX} <= kinds
  _, before = lstm_of(parse_model(data))
  lstm, after = lstm_of(parse_model(result.data))
  # They have other numbers now, and are the same tensors.
  assert [t.shape for t in after] == [(0,)] * 5
  assert [t.name for t in after] == [t.name for t in before]
  assert after[4].quantization.scale == before[4].quantization.scale
  assert len(lstm.inputs) == 24


@pytest.mark.slow
@pytest.mark.parametrize('cell_scale', [2**-12, NO_POWER_OF_TWO])
def test_lstm_and_its_neighbours_give_the_same_bytes(cell_scale):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  data = stateful_models.recurrent(cell_scale=cell_scale)
  result = convert_model(data, ConvertOptions(force_stage=True))
  inputs = list(sample_inputs(parse_model(data), 8))
  assert compare(data, result.data, inputs).bit_exact


def network():
  b = ModelBuilder(3)
  x = b.input((1, 6, 6, 4))
  b.output(b.conv(x, 4))
  return b


def test_empty_tensors_that_nothing_uses_stay():
  b = network()
  b.tensors.append(Tensor('unused', (0,), DType.INT8))
  result = convert_model(b.build(), ConvertOptions(force_stage=True))
  assert result.stages


@pytest.mark.parametrize('shape', [(1, 0), (0, 3), (1, 6, 0, 4), (-1,)])
def test_other_shapes_without_elements_are_refused(shape):
  b = network()
  b.tensors.append(Tensor('odd', shape, DType.INT8))
  with pytest.raises(TflmPatchError, match=r'"odd" has the shape'):
    convert_model(b.build())


@pytest.mark.parametrize('end', ['inputs', 'outputs'])
def test_an_empty_input_or_output_of_the_model_is_refused(end):
  model = parse_model(network().build())
  main = model.main
  main.tensors.append(Tensor('nothing', (0,), DType.INT8))
  setattr(main, end, (*getattr(main, end), len(main.tensors) - 1))
  with pytest.raises(TflmPatchError, match=r'"nothing" has the shape \[0\]'):
    convert_model(serialize_model(model))


def test_an_operator_on_an_empty_tensor_stays_stock():
  b = network()
  empty = b.tensor((0,), DType.INT8, b.quantization(0))
  y = b.tensor((0,), DType.INT8, b.quantization(0))
  b.add_operator('RELU', (empty,), y)
  result = convert_model(b.build(), ConvertOptions(force_stage=True))
  assert [op.opcode for op in result.model.main.operators].count('RELU') == 1
