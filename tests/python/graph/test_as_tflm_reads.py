# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization and constants are read as TFLM reads them, and where it cannot, this is said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from support.compare import assert_same_bytes, check_conversion
from support.model_builder import ModelBuilder
from support.model_core import quantized
from support.outside_buffers import packed, with_buffers_outside

from tflm_patch.analysis.verification import verify
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.errors import ModelError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.report.tables import conversion_summary
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter, InterpreterError

FORCED = ConvertOptions(force_stage=True)
INPUTS = 8


def network() -> ModelBuilder:
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 8, 8, 3), zero_point=3), 4)
  b.output(b.conv(x, 5, kernel=1))
  return b


# ---- scales without zero points ----


def without_zero_points(data: bytes, name: str) -> bytes:
  tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
  for tensor in tree.subgraphs[0].tensors:
    if tensor.name.decode() == name:
      tensor.quantization.zeroPoint = None
  return packed(tree)


@pytest.mark.parametrize('which', ['input', 'between', 'output'])
def test_a_scale_without_zero_point_is_no_quantization(which):
  b = network()
  index = {
    'input': b.operators[0].inputs[0],
    'between': b.operators[0].outputs[0],
    'output': b.operators[1].outputs[0],
  }[which]
  data = without_zero_points(b.build(), b.tensors[index].name)
  assert parse_model(data).main.tensors[index].quantization is None
  try:
    Interpreter(data)
  except InterpreterError:
    result = convert_model(data, FORCED)
  else:
    result = check_conversion(data, FORCED, INPUTS)
  rules = {operator.rule for operator in result.stock_operators}
  assert 'scales_with_zero_points' in rules


def test_weights_without_zero_points_are_named():
  b = network()
  data = without_zero_points(b.build(), b.tensors[b.operators[0].inputs[1]].name)
  reasons = [operator.reason for operator in convert_model(data, FORCED).stock_operators]
  assert any('4 scales; give it zero points' in reason for reason in reasons)
  with pytest.raises(InterpreterError):
    Interpreter(data)


def test_a_bias_needs_no_zero_points():
  b = network()
  bias = b.tensors[b.operators[0].inputs[2]]
  bias.quantization = quantized(0.5, 0)
  data = without_zero_points(b.build(), bias.name)
  assert len(check_conversion(data, FORCED, INPUTS).stages) == 1


def test_the_scale_stays_in_the_file():
  b = network()
  data = without_zero_points(b.build(), b.tensors[b.operators[0].outputs[0]].name)
  written = schema.ModelT.InitFromObj(schema.Model.GetRootAs(serialize_model(parse_model(data)), 0))
  between = written.subgraphs[0].tensors[b.operators[0].outputs[0]].quantization
  assert len(between.scale) == 1 and between.zeroPoint is None


# ---- clamps at the end of int32 ----


def clamped(activation: str, scale: float, zero_point: int) -> bytes:
  b = ModelBuilder(1)
  x = b.input((1, 4, 4, 2), scale=3 * scale, zero_point=3)
  y = b.conv(x, 3, activation=activation)
  b.tensors[y].quantization = quantized(scale, zero_point)
  b.output(y)
  return b.build()


@pytest.mark.parametrize('zero_point', [-128, 0, 127])
@pytest.mark.parametrize(('activation', 'top'), [('RELU6', 6.0), ('RELU_N1_TO_1', 1.0)])
def test_clamps_within_int32_are_exact(activation, top, zero_point):
  for factor in (1.00001, 1.01, 4.0):
    data = clamped(activation, float(np.float32(top * 2.0**-31 * factor)), zero_point)
    assert len(check_conversion(data, FORCED, INPUTS).stages) == 1


@pytest.mark.parametrize('zero_point', [-128, 0, 127])
@pytest.mark.parametrize(('activation', 'top'), [('RELU6', 6.0), ('RELU_N1_TO_1', 1.0)])
def test_clamps_beyond_int32_are_refused(activation, top, zero_point):
  # The first: TFLM converts 2^31 to int32, which is undefined. The second: it loads no model.
  for factor in (1.0, 0.99):
    data = clamped(activation, float(np.float32(top * 2.0**-31 * factor)), zero_point)
    result = convert_model(data, FORCED)
    assert not result.changed and [op.rule for op in result.stock_operators] == ['clamp']
  with pytest.raises(InterpreterError):
    Interpreter(data)


@pytest.mark.parametrize(('factor', 'held'), [(1.0, False), (1.00001, True)])
def test_the_operator_relu6_near_the_end_of_int32(factor, held):
  b = ModelBuilder(1)
  x = b.input((1, 4, 4, 2), scale=float(np.float32(6 * 2.0**-31 * factor)), zero_point=3)
  b.output(b.relu6(x))
  result = convert_model(b.build(), FORCED)
  assert bool(result.stages) == held
  if held:
    check_conversion(b.build(), FORCED, INPUTS)


# ---- constants outside the flatbuffer ----


@pytest.mark.parametrize(
  'options', [FORCED, ConvertOptions(plugins=('-stage',))], ids=['staged', 'unchanged']
)
def test_constants_come_inside(options):
  inside = network().build()
  outside = with_buffers_outside(inside)
  result = convert_model(outside, options)
  assert result.changed
  assert 'TFLM cannot run the original' in result.notes[0]
  assert result.notes[0] in conversion_summary(result, 'out.tflite')
  tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(result.data, 0))
  assert all(buffer.offset <= 1 for buffer in tree.buffers)
  ours, theirs = Interpreter(result.data), Interpreter(inside)
  for arrays in itertools.islice(sample_inputs(parse_model(inside), INPUTS, 0), INPUTS):
    assert_same_bytes(theirs.invoke(arrays), ours.invoke(arrays))


@pytest.mark.slow
def test_verify_compares_with_the_constants_inside(tmp_path):
  paths = tmp_path / 'model.tflite', tmp_path / 'model_patch.tflite'
  paths[0].write_bytes(with_buffers_outside(network().build()))
  paths[1].write_bytes(convert_model(paths[0].read_bytes(), FORCED).data)
  check = verify(*paths, inputs=4)
  assert check.bit_exact and not check.original_undefined
  assert 'compared with them inside' in check.notes[0]
  assert check.original.file_bytes == paths[0].stat().st_size


def test_a_buffer_beyond_the_file_is_refused():
  data = with_buffers_outside(network().build())
  with pytest.raises(ModelError, match='outside the file'):
    parse_model(data[:-1])


def test_custom_options_outside_come_inside():
  b = network()
  b.operators[1].opcode, b.operators[1].custom_name = 'CUSTOM', 'Theirs'
  b.operators[1].options = None
  b.operators[1].custom_options = bytes(range(40))
  tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(b.build(), 0))
  operator = tree.subgraphs[0].operators[1]
  operator.customOptions = None
  operator.largeCustomOptionsSize = 40
  operator.largeCustomOptionsOffset = 1 << 20
  operator.largeCustomOptionsOffset = len(packed(tree))
  model = parse_model(packed(tree) + bytes(range(40)))
  assert model.outside == 1
  written = parse_model(serialize_model(model))
  assert written.outside == 0
  assert written.main.operators[1].custom_options == bytes(range(40))
