# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The planner's library under sanitizers: replays of calls, compared with Python."""

import pathlib
import random
import shutil
import subprocess

import numpy as np
import pytest
from support.block_models import block_model
from support.compiled import SANITIZERS
from support.model_builder import ModelBuilder
from support.random_layouts import random_problem

from tflm_patch.graph.reader import parse_model
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.planner.lowering.region import lower_region
from tflm_patch.planner.memory import layout, layout_search
from tflm_patch.planner.native.stage_tables import stage_arrays
from tflm_patch.planner.rewrites import patches
from tflm_patch.planner.schedule.segments import PythonSearch
from tflm_patch.program.records import MAX_OPS, MAX_STEP_ROWS

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / 'tflm_patch' / 'planner' / 'native'


@pytest.fixture(scope='module')
def replay(tmp_path_factory):
  compiler = shutil.which('gcc') or shutil.which('cc')
  if compiler is None:
    pytest.skip('needs a C compiler')
  program = tmp_path_factory.mktemp('replay') / 'replay'
  flags = ['-std=c11', '-O1', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror']
  done = subprocess.run(
    [
      compiler,
      *flags,
      *SANITIZERS,
      f'-I{SOURCES}',
      '-o',
      str(program),
      str(pathlib.Path(__file__).with_name('replay.c')),
      *map(str, SOURCES.glob('*.c')),
    ],
    capture_output=True,
    text=True,
  )
  if 'cannot find' in done.stderr and 'san' in done.stderr:
    pytest.skip('needs the sanitizer libraries of the compiler')
  assert done.returncode == 0, done.stderr[-4000:]
  return program


def run(replay, tmp_path, calls):
  file = tmp_path / 'calls'
  file.write_bytes(b''.join(calls))
  # What is read stays allocated to the end.
  environment = {'ASAN_OPTIONS': 'detect_leaks=0'}
  done = subprocess.run([str(replay), str(file)], capture_output=True, text=True, env=environment)
  assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
  assert done.stdout == f'{len(calls)} calls\n'


def packed(kind, arrays):
  parts = [kind]
  for array in arrays:
    data = np.ascontiguousarray(array).tobytes()
    parts += [np.int64(len(data)).tobytes(), data]
  return b''.join(parts)


def layout_call(items, regions, length, attempts, seed):
  total = layout.aligned(sum(item.slot_bytes * len(item.shapes[0].made) for item in items))
  orders = layout_search.first_orders(items, length)
  bound = layout.lower_bound(items, regions, length)
  high = total + layout.ALIGNMENT
  task = layout_search.Task(bound, high, False, attempts, seed, orders)
  found = layout_search.search(items, regions, task)
  places = np.zeros((len(items), 10), np.int64)
  for row, place in zip(places, found.places if found else ()):
    pieces = [(p.region, p.offset, p.first, p.count) for p in place.pieces]
    numbers = [place.shape, len(pieces), *(number for piece in pieces for number in piece)]
    row[: len(numbers)] = numbers
  numbers = [len(items), len(regions), bound, high, attempts, 0, len(orders), length]
  owners = [region.owner for region in regions]
  shapes = [item.shapes for item in (*items, *owners)]
  flat = [shape for each in shapes for shape in each]
  return packed(
    b'L',
    [
      np.array(numbers, np.int64),
      np.array([item.slot_bytes for item in (*items, *owners)], np.int64),
      np.array([item.alignment for item in items], np.int64),
      np.array([item.one_piece for item in items], np.int32),
      np.cumsum([0, *map(len, shapes)], dtype=np.int32),
      np.cumsum([0, *(len(shape.made) for shape in flat)], dtype=np.int32),
      np.concatenate([shape.made for shape in flat]).astype(np.int64),
      np.concatenate([shape.last for shape in flat]).astype(np.int64),
      np.array([region.size for region in regions], np.int64),
      np.array(orders, np.int32),
      np.array(random.Random(seed).getstate()[1], np.uint32),
      np.array([found is not None, found.bytes if found else 0], np.int64),
      places,
    ],
  )


def test_layouts(replay, tmp_path):
  rng = np.random.default_rng(17)
  calls = []
  while len(calls) < 60:
    items, regions, length = random_problem(rng)
    calls.append(layout_call(items, regions, length, 40, len(calls) % 3))
  run(replay, tmp_path, calls)


def segments_call(graph):
  arrays = stage_arrays(graph, graph.inputs)
  expected = PythonSearch(graph, graph.inputs)
  floor = sum(graph.maps[m].bytes for m in (*graph.inputs, *graph.outputs))
  least = expected.least_peak(floor)
  results = []
  for k in (1, 2):
    cuts = expected.fewest_dispatches(k * least)
    operators, _ = expected.run(cuts)
    results += [np.array(cuts, np.int32), np.array(operators, np.int32)]
  numbers = [len(graph.ops), len(graph.maps), MAX_OPS, MAX_STEP_ROWS]
  return packed(
    b'S',
    [
      np.array(numbers, np.int64),
      *arrays,
      np.array([floor], np.int64),
      np.array([least], np.int64),
      *results,
    ],
  )


def residual_model():
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 14, 11, 3)), 6, 3)
  for _ in range(2):
    y = b.conv(b.depthwise(b.conv(x, 24, 1), kernel=5), 6, 1)
    x = b.add(x, y)
  b.output(x, b.fully_connected(b.mean(x, keep_dims=False), 4))
  return b.build()


def test_segments(replay, tmp_path):
  graphs = []
  for data in (block_model(), residual_model()):
    model = parse_model(data, '')
    for region in partition(model, model.main).regions:
      graph = lower_region(model, model.main, region)
      graphs += [graph, patches.split_into_patches(graph, patches.depths(graph)[-1], (2, 2))]
  assert len(graphs) >= 4
  run(replay, tmp_path, [segments_call(graph) for graph in graphs])
