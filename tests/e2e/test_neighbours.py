# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graph convolutions in stages: the bytes of TFLM, nodes in the planner's order, few rows held."""

import functools

import numpy as np
import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder
from support.neighbour_models import convolution, nearest, network
from support.neighbour_ops import FORMS

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.planner.graphs import numbering
from tflm_patch.planner.graphs.ordered import neighbourhoods
from tflm_patch.program.records import Kind
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.tflm import Interpreter

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


def kinds_of(result):
  return [op.kind for stage in result.stages for op in stage.plan.graph.ops]


@pytest.mark.parametrize('form', FORMS)
def test_one_stage_of_sparse_sums(form):
  data = network(form)
  result = check_conversion(data, ConvertOptions(), 8)
  (stage,) = result.model.main.operators
  assert is_stage(stage)
  kinds = kinds_of(result)
  assert kinds.count(Kind.NEIGHBOURS) == 2
  assert kinds.count(Kind.NODE_ORDER) == 2
  assert result.converted_arena.total < 0.4 * result.original_arena.total
  assert measure_arena(result.data).total == result.converted_arena_host.total


def test_fewer_rows_are_held_and_the_matrix_has_no_zeros():
  (stage,) = convert_model(network()).stages
  for _, matrix in neighbourhoods(stage.plan.graph):
    assert 800 < matrix.connections <= 120 * 7
    assert matrix.held <= 55
  assert len(stage.encoded.constants) < 0.5 * 2 * 120 * 120


@pytest.mark.parametrize(
  'options',
  [
    ConvertOptions(keep_input=True),
    ConvertOptions(input_rows=1),
    ConvertOptions(input_rows=20),
    ConvertOptions(),
  ],
  ids=['keep_input', 'row', 'rows', 'plain'],
)
def test_options(options):
  data = network()
  result = convert_model(data, options)
  stock, ours = Interpreter(data), Interpreter(result.data)
  rng = np.random.default_rng(1)
  for _ in range(6):
    inputs = [rng.integers(-128, 128, (1, 120, 2)).astype(np.int8)]
    np.testing.assert_array_equal(stock.invoke(inputs)[0], ours.invoke(inputs)[0])
  assert Kind.NODE_ORDER in kinds_of(result)


def readout():
  """The mean and the largest values of all nodes: in whatever order they come."""
  b = ModelBuilder(3)
  near = nearest(90, 4)
  x = b.input((1, 90, 3))
  y = convolution(b, b.relu(convolution(b, x, near, 7)), near, 6)
  b.output(b.fully_connected(b.mean(y, (1,), keep_dims=False), 4), b.reduce_max(y, (1,)))
  return b.build()


def jumping():
  """All layers joined, with features of the nodes; a hidden layer is an output, too."""
  b = ModelBuilder(4)
  near = nearest(90, 4)
  x = b.input((1, 90, 3))
  y = b.add(b.relu(convolution(b, x, near, 6)), b.constant_operand((1, 90, 6)))
  z = b.relu(convolution(b, y, near, 6, 'gather_and_mean'))
  b.output(
    z, b.softmax(b.fully_connected(b.concat([y, b.quantize(z, like=y)], 2), 4, flatten=False))
  )
  return b.build()


def read_in_both_orders():
  """Nodes that a dense layer of all reads, and rows of others that are moved."""
  b = ModelBuilder(5)
  near = nearest(60, 4)
  x = b.input((1, 60, 3))
  y = convolution(b, x, near, 6)
  b.output(b.gather(y, [5, 0, 59, 7], 1), b.fully_connected(b.relu(y), 3), b.relu6(x))
  b.output(convolution(b, y, near, 2))
  return b.build()


def pooled():
  """A graph of fewer nodes on top, each a sum of some of those below."""
  b = ModelBuilder(6)
  near = nearest(90, 4)
  y = b.relu(convolution(b, b.input((1, 90, 3)), near, 7))
  coarse = b.neighbours(y, [near[9 * i] for i in range(10)])
  b.output(convolution(b, b.relu(coarse), nearest(10, 2), 3))
  return b.build()


def two_inputs():
  """Features and constants; one input is an output as it is."""
  b = ModelBuilder(8)
  near = nearest(70, 5)
  x, other = b.input((1, 70, 4)), b.input((1, 70, 4))
  y = convolution(b, b.mul(x, other), near, 5)
  b.output(b.add(convolution(b, y, near, 4), other), other)
  return b.build()


def of_one_channel():
  """Nodes of a channel are one row, turned; the rows of the next layer are parts of it."""
  b = ModelBuilder(9)
  near = nearest(70, 4)
  y = b.relu(convolution(b, b.input((1, 70, 4)), near, 1, 'dense'))
  b.output(b.relu(convolution(b, y, near, 10, 'dense')))
  return b.build()


def of_one_row():
  """Operands of one row, and of a row for each node."""
  b = ModelBuilder(10)
  near = nearest(70, 4)
  y = convolution(b, b.input((1, 70, 4)), near, 9)
  y = b.mul(y, b.constant_operand((1, 1, 9)))
  y = b.add(y, b.constant_operand((1, 70, 1)))
  b.output(convolution(b, b.batch_matmul(y, b.constant_operand((1, 9, 9))), near, 3))
  return b.build()


NETWORKS = (readout, jumping, read_in_both_orders, pooled, two_inputs, of_one_channel, of_one_row)


@pytest.mark.parametrize('make', NETWORKS)
@pytest.mark.parametrize('keep_input', [False, True])
def test_networks(make, keep_input):
  result = check_conversion(make(), ConvertOptions(keep_input=keep_input), 6)
  assert kinds_of(result).count(Kind.NEIGHBOURS) >= 1
  check_conversion(make(), ConvertOptions(force_stage=True, keep_input=keep_input), 6)


def test_readouts_need_no_order():
  result = convert_model(readout())
  assert kinds_of(result).count(Kind.NODE_ORDER) == 1


def test_a_dense_matrix_stays_one():
  b = ModelBuilder(2)
  x = b.input((1, 30, 4))
  b.output(b.batch_matmul(b.constant_operand((1, 30, 30)), x))
  result = check_conversion(b.build(), ConvertOptions(force_stage=True), 4)
  assert kinds_of(result) == [Kind.BATCH_MATMUL]


@pytest.fixture
def no_library(monkeypatch):
  """As if the library that orders nodes was not installed."""
  monkeypatch.setattr(numbering, '_reverse_cuthill_mckee', lambda: None)


def test_without_the_library_nodes_stay_where_they_are(no_library):
  result = check_conversion(network(), ConvertOptions(), 4)
  assert Kind.NODE_ORDER not in kinds_of(result)
  assert kinds_of(result).count(Kind.NEIGHBOURS) == 2
  assert any('tflm-patch[graphs]' in note for note in result.notes)


@functools.cache
def interleaved_models():
  return network(), convert_model(network()).data


def test_interpreters_do_not_meet():
  data, converted = interleaved_models()
  pairs = [(Interpreter(data), Interpreter(converted)) for _ in range(3)]
  rng = np.random.default_rng(2)
  for _ in range(12):
    stock, ours = pairs[rng.integers(3)]
    if rng.integers(4) == 0:
      ours.reset()
    inputs = [rng.integers(-128, 128, (1, 120, 2)).astype(np.int8)]
    np.testing.assert_array_equal(stock.invoke(inputs)[0], ours.invoke(inputs)[0])


def test_the_order_of_nodes_does_not_matter():
  """Numbers by chance or along a line: the same few rows are held."""
  held = []
  for seed in (None, 3):
    numbers = np.arange(100) if seed is None else np.random.default_rng(seed).permutation(100)
    b = ModelBuilder(1)
    near = [[0]] * 100
    for i in range(100):
      near[numbers[i]] = numbers[[max(i - 1, 0), i, min(i + 1, 99)]].tolist()
    x = b.input((1, 100, 3))
    b.output(convolution(b, b.relu(convolution(b, x, near, 9)), near, 2))
    graph = check_conversion(b.build(), ConvertOptions(), 3).stages[0].plan.graph
    held.append([matrix.held for _, matrix in neighbourhoods(graph)])
  assert held == [[3, 3], [3, 3]]
