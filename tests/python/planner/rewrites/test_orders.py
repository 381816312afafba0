# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Other orders of operators: the same bytes, no more memory, heads before the trunk goes on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.compare import check_conversion
from support.effort import examples
from support.graphs import small_networks
from support.head_models import blaze_face, ssd, yolo
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.conversion import stages
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.planner.lowering.region import lower_region
from tflm_patch.planner.rewrites.by_parts import by_parts
from tflm_patch.planner.rewrites.drain import drained
from tflm_patch.planner.rewrites.orders import orders_of
from tflm_patch.planner.schedule import order
from tflm_patch.program.records import Kind

ORDERS = {'by_parts': by_parts, 'drained': drained, 'both': lambda graph: drained(by_parts(graph))}
HEADS = {
  'yolo': lambda: yolo(64, 8, 3),
  'blaze_face': lambda: blaze_face(64),
  'ssd': lambda: ssd(96),
}


def graph_of(data):
  model = parse_model(data)
  return lower_region(model, model.main, partition(model, model.main).regions[0])


def force(monkeypatch, name):
  """All stages take this order, whatever it needs."""
  monkeypatch.setattr(stages, 'orders_of', lambda graph, reusable: [ORDERS[name](graph)])


@pytest.mark.slow
@pytest.mark.parametrize('rows', [None, 1])
@pytest.mark.parametrize('name', ORDERS)
@pytest.mark.parametrize('model', HEADS)
def test_heads_are_exact_in_every_order(monkeypatch, model, name, rows):
  force(monkeypatch, name)
  check_conversion(HEADS[model](), ConvertOptions(force_stage=True, input_rows=rows), 3)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(small_networks(), st.sampled_from(sorted(ORDERS)))
def test_random_networks_are_exact_in_every_order(network, name):
  with pytest.MonkeyPatch.context() as patch:
    force(patch, name)
    check_conversion(network.data, ConvertOptions(force_stage=True), 5)


def branches(axis=1, dtype=DType.INT8, after=()):
  """Three branches joined along rows; then operators row by row."""
  b = ModelBuilder(5)
  x = b.input((1, 12, 6, 4), dtype)
  parts = [b.conv(x, 8, 1), b.conv(x, 8, 3), b.conv(b.max_pool(x), 8, 3)]
  first = parts[0]
  shape = b.shape(first)
  assert shape[2] == 6
  parts[2] = b.resize_nearest(parts[2], 5, 6) if dtype == DType.INT8 else parts[1]
  like = [first, *(b.quantize(part, dtype, like=first) for part in parts[1:])]
  y = b.concat(like, axis)
  for step in after:
    y = step(b, y)
  b.output(y)
  return b.build()


STEPS = {
  'nothing': (),
  'softmax': (lambda b, y: b.softmax(y),),
  'pointwise': (lambda b, y: b.conv(y, 5, 1), lambda b, y: b.relu(y)),
  'constant': (lambda b, y: b.sub(b.constant_operand(b.shape(y)), y),),
  'split': (lambda b, y: b.add(*b.split(y, 2)),),
  'window': (lambda b, y: b.softmax(y), lambda b, y: b.conv(y, 3, 3)),
  'strided': (lambda b, y: b.conv(y, 3, 1, 2),),
  'turned': (lambda b, y: b.logistic(y), lambda b, y: b.transpose(y, (0, 2, 1, 3))),
  'whole': (lambda b, y: b.transpose(y, (0, 2, 1, 3)),),
  'mean': (lambda b, y: b.mean(y),),
}


@pytest.mark.parametrize('name', ['by_parts', 'both'])
@pytest.mark.parametrize('after', STEPS)
def test_what_follows_a_join(monkeypatch, after, name):
  force(monkeypatch, name)
  check_conversion(branches(after=STEPS[after]), ConvertOptions(force_stage=True), 5)


def test_int16_joins(monkeypatch):
  force(monkeypatch, 'by_parts')
  data = branches(dtype=DType.INT16, after=(lambda b, y: b.logistic(y),))
  check_conversion(data, ConvertOptions(force_stage=True), 5)


def test_operators_are_repeated_for_parts():
  graph = graph_of(branches(after=STEPS['softmax']))
  parted = by_parts(graph)
  softmax = [op for op in parted.ops if op.kind is Kind.SOFTMAX]
  assert [op.steps for op in softmax] == [12, 12, 5]
  assert [parted.maps[op.outputs[0]].view.top for op in softmax] == [0, 12, 24]
  assert not [op for op in parted.ops if op.kind is Kind.CONCATENATION]
  assert sum(op.macs for op in parted.ops) == sum(op.macs for op in graph.ops)


def test_constants_are_parted():
  graph = graph_of(branches(after=STEPS['constant']))
  parted = by_parts(graph)
  sizes = [m.rows for m in parted.maps if m.role is MapRole.CONSTANT and m.constant is not None]
  assert sizes == [12, 12, 5]


def test_chains_stay_as_they_are():
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 8, 8, 3)), 4)
  b.output(b.softmax(b.conv(b.add(b.conv(x, 4), x), 4)))
  graph = graph_of(b.build())
  assert orders_of(graph) == [graph]
  assert drained(graph) is graph
  assert by_parts(graph).ops == graph.ops


def test_heads_come_before_the_trunk_goes_on():
  graph = graph_of(ssd(96))
  names = [op.name for op in drained(graph).ops]
  assert sorted(names) == sorted(op.name for op in graph.ops)
  # Heads of the first map: 15 and 27 read what 8 makes; 9 goes on.
  before = names[: names.index('DEPTHWISE_CONV_2D 9')]
  assert {'CONV_2D 16', 'CONV_2D 28'} <= set(before)


@settings(max_examples=examples(30))
@given(small_networks())
def test_makers_come_first(network):
  model = parse_model(network.data)
  for region in partition(model, model.main).regions:
    graph = drained(by_parts(lower_region(model, model.main, region)))
    made = order.producers(graph)
    for i, op in enumerate(graph.ops):
      assert all(made.get(m, -1) < i for m in op.inputs)


@pytest.mark.slow
@pytest.mark.parametrize('rows', [None, 1])
@pytest.mark.parametrize('model', HEADS)
def test_a_choice_of_orders_never_needs_more(monkeypatch, model, rows):
  data, options = HEADS[model](), ConvertOptions(input_rows=rows)
  chosen = convert_model(data, options).converted_arena.total
  monkeypatch.setattr(stages, 'orders_of', lambda graph, reusable: [graph])
  assert chosen <= convert_model(data, options).converted_arena.total


@pytest.mark.slow
def test_heads_that_drain_early_save_a_third():
  result = convert_model(ssd(), ConvertOptions(input_rows=1))
  assert len(result.stages) == 1
  assert result.converted_arena.total < 38_000  # in the order of the model 51,848
