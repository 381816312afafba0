# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Receptive fields and patch stages: against TFLM, by brute force, and as published."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.effort import examples
from support.graphs import small_networks
from support.model_builder import ModelBuilder
from support.real_models import FOLDER, MISSING, available

from tflm_patch.analysis import analytic_memory, patch_stage
from tflm_patch.analysis.patch_report import report
from tflm_patch.analysis.receptive_field import COLS, ROWS, fields, needed, spatial_graph
from tflm_patch.analysis.windows import windows
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.axis_window import AxisWindow, cut
from tflm_patch.graph.reader import parse_model, read_model
from tflm_patch.graph.types import DType
from tflm_patch.graph.writer import compact, serialize_model
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.lowering.operators.resize_nearest import nearest
from tflm_patch.runtime.tflm import Interpreter

MODEL = 'mbv2_1.0_224_int8.tflite'


def graph_of(builder):
  return spatial_graph(builder.model())


def random_input(tensor, rng):
  if tensor.dtype == DType.FLOAT32:
    return rng.normal(0, 2, tensor.shape).astype(np.float32)
  info = np.iinfo(tensor.dtype.numpy)
  return rng.integers(info.min, info.max + 1, tensor.shape).astype(tensor.dtype.numpy)


def region(model, tensor, ranges):
  """Index of a part of a tensor's array."""
  rows, cols = (slice(r[tensor][0], r[tensor][1] + 1) for r in ranges)
  readers = [op.opcode for op in model.main.operators if tensor in op.inputs]
  if tensor in model.main.inputs and readers == ['TRANSPOSE']:  # an NCHW image
    return slice(None), slice(None), rows, cols
  return slice(None), rows, cols


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)
@given(small_networks(), st.randoms(use_true_random=False))
def test_outputs_depend_on_nothing_else(network, draw):
  """Two inputs that agree where a tile looks give the same tile in TFLM."""
  model = parse_model(network.data)
  graph = spatial_graph(model)
  assume(graph is not None and graph.depth > 0)
  depth = draw.randint(1, graph.depth)
  ends = [t for t in graph.across(depth) if len(model.main.tensors[t].shape) == 4]
  assume(ends)
  end = draw.choice(ends)
  ranges = []
  for axis in (ROWS, COLS):
    low, high = sorted(draw.randint(0, graph.shapes[end][axis] - 1) for _ in range(2))
    ranges.append(needed(graph, {end: (low, high)}, axis, depth, clamp=True))
  main = dataclasses.replace(
    model.main,
    operators=model.main.operators[:depth],
    outputs=(end,),
    inputs=tuple(
      t for t in model.main.inputs if any(t in op.inputs for op in model.main.operators[:depth])
    ),
  )
  data = serialize_model(compact(dataclasses.replace(model, subgraphs=[main], signatures=[])))
  rng = np.random.default_rng(draw.randint(0, 9999))
  first = [random_input(model.main.tensors[t], rng) for t in main.inputs]
  second = [random_input(model.main.tensors[t], rng) for t in main.inputs]
  for t, a, b in zip(main.inputs, first, second):
    if t in ranges[0] and t in ranges[1] and len(model.main.tensors[t].shape) == 4:
      at = region(model, t, ranges)
      b[at] = a[at]
  interpreter = Interpreter(data)
  tile = region(model, end, ranges)
  outputs = [interpreter.invoke(values)[0][tile].tobytes() for values in (first, second)]
  assert outputs[0] == outputs[1]


def pixels(graph, model, depth, wanted):
  """Positions of every map that some positions of some maps depend on, one by one."""
  found = {t: set(values) for t, values in wanted.items()}
  for position in reversed(range(depth)):
    op = graph.ops[position]
    view = OpView(model, model.main, position)
    for t in op.outputs:
      for y, x in found.get(t, ()):
        for source in op.windows:
          rows, cols, _ = graph.shapes[source]
          for row, col in taps(view, source, y, x):
            if 0 <= row < rows and 0 <= col < cols:
              found.setdefault(source, set()).add((row, col))
  return found


def taps(view, source, y, x):
  opcode = view.operator.opcode
  if opcode == 'ADD':
    return [(y, x)]
  options = view.operator.options
  if opcode == 'MAX_POOL_2D':
    kernel = (options.filterHeight, options.filterWidth)
  else:
    kernel = view.input(1).shape[1:3]
  sizes = view.input().shape[1:3], view.output().shape[1:3]
  strides = options.strideH, options.strideW
  found = []
  for axis, at in enumerate((y, x)):
    before = 0
    if options.padding == 0:
      total = (sizes[1][axis] - 1) * strides[axis] + kernel[axis] - sizes[0][axis]
      before = max(total, 0) // 2
    found.append([at * strides[axis] - before + k for k in range(kernel[axis])])
  return itertools.product(*found)


def residual_network():
  b = ModelBuilder(3)
  x = b.input((1, 19, 14, 2))
  x = b.conv(x, 4, (3, 5), 2)
  y = b.conv(b.depthwise(x, 1, 3), 4, 1)
  x = b.add(x, y)
  x = b.max_pool(x, (2, 3), (2, 1), padding='VALID')
  b.output(b.depthwise(x, 2, 3, padding='VALID'))
  return b


@pytest.mark.parametrize(
  ('depth', 'grid'),
  [
    (depth, grid)
    for depth, grid in itertools.product(range(1, 7), [(1, 1), (2, 2), (2, 3), (1, 4)])
    if depth < 6 or grid[1] < 4  # the last map has three columns
  ],
)
def test_macs_of_patches_by_brute_force(depth, grid):
  builder = residual_network()
  model, graph = builder.model(), graph_of(builder)
  ends = graph.across(depth)
  stage = patch_stage.patch_stage(graph, depth, grid)
  macs = 0
  for i, j in itertools.product(range(grid[0]), range(grid[1])):
    wanted = {}
    for t in ends:
      (top, bottom), (left, right) = (
        cut(graph.shapes[t][axis], grid[axis])[k] for axis, k in enumerate((i, j))
      )
      wanted[t] = itertools.product(range(top, bottom + 1), range(left, right + 1))
    found = pixels(graph, model, depth, wanted)
    for op in graph.ops[:depth]:
      rows, cols, _ = graph.shapes[op.outputs[0]]
      macs += op.macs // (rows * cols) * len(found[op.outputs[0]])
  assert stage.macs_exact == macs
  assert stage.macs <= stage.macs_exact <= stage.macs_uniform
  if grid == (1, 1):
    assert stage.macs == stage.macs_exact and stage.stage_overhead(exact=True) == 0


def test_fields_of_a_chain():
  b = ModelBuilder(1)
  x = b.input((1, 64, 64, 1))
  x = b.conv(x, 2, 3, 2)
  x = b.conv(x, 2, (3, 1), 1, dilation=(2, 1))
  x = b.resize_nearest(x, 64, 64)
  x = b.conv(x, 2, 5)
  b.output(b.fully_connected(b.mean(x, keep_dims=False), 3))
  found = fields(graph_of(b))
  assert [f.field for f in found] == [(3, 3), (11, 3), (11, 3), (15, 7), (None, None), (None, None)]
  assert [f.growth for f in found] == [(2, 2), (8, 0), (0, 0), (4, 4), (0, 0), (0, 0)]
  assert [f.jump for f in found] == [(2, 2), (2, 2), (1, 1), (1, 1), (1, 1), (1, 1)]


@given(st.integers(1, 12), st.integers(1, 30), st.sampled_from([(0, 0), (1, 0), (0, 1)]))
def test_nearest_as_the_kernel_reads_it(size, out, flags):
  b = ModelBuilder(0)
  b.output(b.resize_nearest(b.input((1, size, size, 1)), out, out, *map(bool, flags)))
  rows, _ = windows(OpView(b.model(), b.model().main, 0))[0]
  expected = nearest(size, out, *map(bool, flags))
  for i in range(out):
    low, high = rows.reads(i, i)
    # The kernel computes in float32: a quotient at a whole number may fall either way.
    assert low == high
    assert abs(min(max(low, 0), size - 1) - int(expected[i])) <= 1


@pytest.mark.parametrize('kernel', [1, 2, 3, 4, 5])
@pytest.mark.parametrize('stride', [1, 2, 3])
@pytest.mark.parametrize('pad', [0, 1])
def test_transposed_windows_by_scattering(kernel, stride, pad):
  window = AxisWindow(kernel, stride, pad=pad).transposed()
  for out in range(30):
    sources = [i for i in range(-9, 40) if 0 <= out + pad - i * stride < kernel]
    low, high = window.reads(out, out)
    assert list(range(low, high + 1)) == sources


def test_memory_as_papers_count_it():
  b = ModelBuilder(2)
  x = b.input((1, 8, 8, 4))  # 256 bytes
  wide = b.conv(x, 8, 1)  # 512
  wide = b.depthwise(wide)
  y = b.conv(wide, 4, 1)  # 256
  b.output(b.add(x, y))
  graph = graph_of(b)
  # Shortcut and expanded map; the depthwise convolution works in place, and the
  # projection adds to the shortcut.
  assert analytic_memory.peak(graph.ops, graph.sizes, graph.outputs) == (
    analytic_memory.Peak(256 + 512, 0)
  )
  # A projection that is read twice cannot be summed as it is made.
  b.output(y)
  graph = graph_of(b)
  assert analytic_memory.peak(graph.ops, graph.sizes, graph.outputs).bytes == 256 + 512 + 256


def test_depthwise_with_two_readers_is_not_in_place():
  b = ModelBuilder(2)
  x = b.conv(b.input((1, 8, 8, 4)), 8, 1)
  b.output(b.concat([x, b.quantize(b.depthwise(x), like=x)]))
  graph = graph_of(b)
  assert analytic_memory.peak(graph.ops, graph.sizes, graph.outputs).bytes == 512 + 512 + 1024


def test_stage_keeps_whole_outputs_and_one_patch():
  b = ModelBuilder(2)
  x = b.conv(b.input((1, 16, 16, 3)), 8, 3)
  b.output(b.conv(x, 2, 3, 2))
  stage = patch_stage.patch_stage(graph_of(b), 2, (2, 2))
  assert stage.tile == (4, 4) and stage.patch == (11, 11) and stage.halo == (3, 3)
  # 4x4 outputs need 9x9 of the first map and 11x11 of the image.
  assert stage.stage_peak.bytes == 11 * 11 * 3 + 9 * 9 * 8 + 8 * 8 * 2
  assert stage.rest_peak.bytes == 0
  assert stage.macs_uniform == 4 * (9 * 9 * 8 * 27 + 4 * 4 * 2 * 72)


def test_the_default_depth_has_the_lowest_peak():
  graph = graph_of(residual_network())
  best = patch_stage.best_depth(graph, (2, 2))
  every = [patch_stage.patch_stage(graph, depth, (2, 2)) for depth in (1, 2, 3, 4, 5)]
  assert best.peak_bytes == min(stage.peak_bytes for stage in every)


@pytest.mark.parametrize(
  ('depth', 'grid', 'text'),
  [
    (0, (2, 2), 'use 1 to 6'),
    (7, (2, 2), 'use 1 to 6'),
    (6, (2, 9), 'does not fit the 3 columns'),
    (None, (20, 2), 'use a smaller grid'),
  ],
)
def test_impossible_stages(depth, grid, text):
  with pytest.raises(TflmPatchError, match=text) as error:
    report(residual_network().model(), grid, depth)
  assert '\n' not in str(error.value)


def test_no_image():
  b = ModelBuilder(0)
  b.output(b.fully_connected(b.input((1, 10)), 3))
  with pytest.raises(TflmPatchError, match='no input is an image'):
    report(b.model())


@pytest.mark.skipif(not available(), reason=MISSING)
def test_published_figures_of_mobilenet_v2():
  """Table 1 and figure 8 of MCUNetV2: 224x224, 4x4 patches, int8, kB of 1024 bytes."""
  found = report(read_model(FOLDER / MODEL))
  stage = found.stage
  assert stage.grid == (4, 4)
  assert stage.patch == (75, 75)
  # Five blocks, down to 28x28, are best.
  assert found.operators[stage.depth - 1].output_shape == (28, 28, 32)
  assert stage.depth == 13
  assert round(stage.stage_overhead(exact=False), 2) == 0.42
  assert round(stage.macs_uniform / 1e6, -1) == 130
  assert round((stage.network_macs - stage.macs + stage.macs_exact) / 1e6, -1) == 330
  assert abs(stage.network_overhead(exact=True) - 0.10) < 0.01
  assert round(stage.peak_bytes / 1024) == 172
  assert round(found.per_layer_peak.bytes / 1024) == 1372
  assert [row.name for row in found.causes] == [
    'DEPTHWISE_CONV_2D 7',
    'DEPTHWISE_CONV_2D 11',
    'DEPTHWISE_CONV_2D 1',
    'DEPTHWISE_CONV_2D 4',
    'CONV_2D 0',
  ]


@pytest.mark.slow
@pytest.mark.skipif(not available(), reason=MISSING)
def test_every_real_model_with_an_image():
  for path in sorted(FOLDER.glob('*.tflite')):
    model = read_model(path)
    graph = spatial_graph(model)
    if graph is None or min(model.main.tensors[model.main.inputs[0]].shape[1:3]) < 4:
      continue  # a window of a signal has no patches
    found = report(model, (2, 2))
    assert found.stage.peak_bytes <= found.per_layer_peak.bytes
    assert found.to_json()['patch_stage']['exact']['macs'] >= found.stage.macs
