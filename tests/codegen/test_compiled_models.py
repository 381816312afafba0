# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compiled models give the bytes of the converted ones in the real TFLM interpreter."""

import functools
import shutil

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from support import compiled as harness
from support import every_kernel, real_models
from support.block_models import block_model, force_blocks
from support.compare import assert_same_bytes
from support.effort import examples
from support.graphs import dense_networks, small_networks
from support.int16_graphs import int16_networks
from support.matmul_cases import attention, attention_seen
from support.model_builder import ModelBuilder
from support.window_models import windowed

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.codegen.compiler import CompileOptions, compile_model
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.options import PlanOptions, Schedule
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.runtime.verify import as_frames

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
if shutil.which('gcc') is None:
  pytest.skip('gcc is not installed', allow_module_level=True)

FAST = harness.Toolchain('gcc', ('-O2',))
INPUTS = 4


def check(data, folder, options, toolchain=harness.HOST, inputs=INPUTS, seed=0):
  """Compiles, builds, runs, compares with the converted model; gives what was compiled."""
  compiled = compile_model(data, CompileOptions(name='model', convert=options), 'model.c')
  image = harness.build(compiled, folder, toolchain)
  original = parse_model(data)
  source = as_frames(compiled.model, original) if compiled.bands > 1 else compiled.model
  arrays = list(sample_inputs(source, inputs, seed))
  harness.write_inputs(compiled, folder, arrays)
  harness.run(image, cwd=folder)
  found = harness.read_outputs(compiled, folder)
  assert len(found) == inputs
  converted = Interpreter(serialize_model(compiled.model))
  for each, made in zip(arrays, found):
    assert_same_bytes(converted.invoke(each), made)
  return compiled


def real_model_cases():
  names = sorted(path.stem for path in real_models.FOLDER.glob('*.tflite'))
  return names or [pytest.param('', marks=pytest.mark.skip(real_models.MISSING))]


@pytest.mark.parametrize('name', real_model_cases())
def test_real_models(name, tmp_path):
  data = (real_models.FOLDER / f'{name}.tflite').read_bytes()
  try:
    compiled = check(data, tmp_path, ConvertOptions(), FAST, 1)
  except TflmPatchError as error:
    assert 'operators that no stage holds' in str(error)
    converted = convert_model(data, ConvertOptions(force_stage=True)).model.main
    assert not all(is_stage(operator) for operator in converted.operators)
    return
  assert compiled.constants_bytes + compiled.code_bytes_estimate < len(data)


@pytest.mark.parametrize(
  'name', ['mlperf_vww_96_int8', 'mlperf_kws_int8', 'mlperf_resnet8_int8', 'mcunet_vww']
)
def test_real_models_fed_by_rows(name, tmp_path):
  path = real_models.FOLDER / f'{name}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  compiled = check(path.read_bytes(), tmp_path, ConvertOptions(input_rows=1), FAST, 2)
  assert compiled.bands > 1


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
def test_sliding_windows(padding, tmp_path):
  """Hop by hop, with the outputs of each window that is full."""
  data = windowed(4, padding).data
  options = ConvertOptions(hop=windowed(4, padding).strides, force_stage=True)
  compiled = compile_model(data, CompileOptions(name='model', convert=options), 'model.c')
  assert f'MODEL_HOPS {compiled.hops} ' in compiled.files['model.h']
  image = harness.build(compiled, tmp_path)
  interpreter = Interpreter(serialize_model(compiled.model))
  (given,) = interpreter.inputs
  rng = np.random.default_rng(9)
  rows = [[rng.integers(-128, 128, given.shape).astype(np.int8)] for _ in range(40)]
  harness.write_inputs(compiled, tmp_path, rows)
  harness.run(image, cwd=tmp_path)
  wanted = [made for made in map(interpreter.outputs_of, rows) if made is not None]
  found = harness.read_outputs(compiled, tmp_path)
  assert len(found) == len(wanted) == 40 - compiled.hops + 1
  for each, made in zip(wanted, found):
    assert_same_bytes(each, made)


@pytest.mark.parametrize('part', [1.0, 0.5, 0.0])
@pytest.mark.parametrize(
  ('case', 'rows'),
  [
    ({}, None),
    ({'kernel': 5, 'size': (40, 44)}, 1),
    ({'strides': (1, 1), 'dilation': 2, 'size': (60, 70)}, None),
    ({'padding': 'VALID'}, None),
    ({'strides': (3, 2), 'size': (40, 31)}, None),
  ],
)
def test_blocks(part, case, rows, tmp_path, monkeypatch):
  """Three convolutions that became one operator."""
  force_blocks(monkeypatch, part)
  options = ConvertOptions(input_rows=rows, plan=PlanOptions(max_overhead=9.0))
  compiled = check(block_model(**case), tmp_path, options)
  assert 'tflm_patch_bottleneck_s8' in compiled.kernels


@pytest.mark.parametrize(
  'make',
  [
    every_kernel.int8_model,
    every_kernel.int16_model,
    every_kernel.graph_model,
    functools.partial(every_kernel.constants_model, DType.INT8),
    functools.partial(every_kernel.constants_model, DType.INT16),
  ],
)
def test_every_kernel(make, tmp_path):
  check(make(), tmp_path, ConvertOptions())


def products_and_sums():
  """BATCH_MATMUL by rows, by one row, and with a whole matrix; ADD_N; dense layers of cells."""
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 5, 7, 6)), 6)
  y = b.add_n(x, b.quantize(b.relu6(x), like=x), b.constant_operand((1, 5, 7, 6), like=x))
  y = b.batch_matmul(b.softmax(b.batch_matmul(x, y, True)), b.constant_operand((1, 1, 7, 6)))
  y = b.fully_connected(y, 4, flatten=False, keep_num_dims=True)
  line = b.reshape(y, (1, 35, 4))
  z = b.batch_matmul(line, b.constant_operand((1, 4, 19)))
  b.output(b.fully_connected(z, 3, flatten=False, keep_num_dims=True))
  b.output(b.batch_matmul(line, b.relu6(line), True))
  return b.build()


def attention_of_heads():
  b = ModelBuilder(6)
  x = b.input((1, 7, 12))
  b.output(attention(b, x), attention_seen(b, x))
  return b.build()


def squares_of_int16():
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 5, 7, 6), DType.INT16), 6)
  b.output(b.squared_difference(x, b.mean(x)), b.sum(b.squared_difference(x, x)))
  return b.build()


def recurrent():
  """Two LSTMs one after the other, the second in rows of the first, and SVDFs of both types."""
  b = ModelBuilder(5)
  y = b.lstm(b.lstm(b.input((1, 9, 7)), 6), 5, -11, clip=0.5)
  y = b.fully_connected(b.reshape(y, (1, 45)), 8)
  b.output(b.svdf(y, 3, 4, 2), b.svdf(y, 7, 2, state_dtype=DType.INT16))
  return b.build()


@pytest.mark.parametrize('schedule', ['layer', 'stream'])
@pytest.mark.parametrize(
  'make', [products_and_sums, attention_of_heads, squares_of_int16, recurrent]
)
def test_products_and_sums(make, schedule, tmp_path):
  plan = PlanOptions(schedule=Schedule(schedule))
  check(make(), tmp_path, ConvertOptions(force_stage=True, plan=plan))


plans = st.builds(
  PlanOptions,
  max_overhead=st.sampled_from([1.0, 10.0]),
  schedule=st.sampled_from(['auto', 'stream', 'layer', 'patch']),
  grid=st.sampled_from([(2, 2), (1, 3)]),
)


REFUSALS = ('cannot be compiled', '--input-rows', '--schedule patch')


def expect_compiled(data, folder, options):
  """Checks; what is refused, with a reason, counts for nothing."""
  try:
    check(data, folder, options)
  except TflmPatchError as error:
    assert any(text in str(error) for text in REFUSALS) and '\n' not in str(error)
    reject()


@settings(max_examples=examples(12))
@given(small_networks(), st.booleans(), plans)
def test_generated_networks(tmp_path_factory, network, int8_io, plan):
  options = ConvertOptions(int8_io=int8_io, plan=plan)
  expect_compiled(network.data, tmp_path_factory.mktemp('model'), options)


@settings(max_examples=examples(8))
@given(small_networks(), st.data())
def test_generated_networks_fed_by_rows(tmp_path_factory, network, data):
  main = parse_model(network.data).main
  height = main.tensors[main.inputs[0]].shape[1]
  rows = data.draw(st.sampled_from([n for n in range(1, height + 1) if height % n == 0]))
  options = ConvertOptions(input_rows=rows)
  expect_compiled(network.data, tmp_path_factory.mktemp('model'), options)


@settings(max_examples=examples(5))
@given(dense_networks())
def test_dense_networks(tmp_path_factory, network):
  expect_compiled(network.data, tmp_path_factory.mktemp('model'), ConvertOptions())


@settings(max_examples=examples(12))
@given(int16_networks())
def test_int16_networks(tmp_path_factory, network):
  expect_compiled(network.data, tmp_path_factory.mktemp('model'), ConvertOptions())
