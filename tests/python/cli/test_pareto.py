# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch pareto, as a user meets it."""

import json
import subprocess
import sys

import pytest
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model


def run(*arguments):
  return subprocess.run(
      [sys.executable, '-m', 'tflm_patch.cli.main', 'pareto', *map(str, arguments)],
      capture_output=True, text=True,
  )  # fmt: skip


def network():
  b = ModelBuilder(2)
  x = b.conv(b.input((1, 24, 20, 3)), 8, 3, 2)
  x = b.conv(b.depthwise(b.conv(x, 16, 1), 3, 2), 12, 1)
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


def test_points_and_chart(tmp_path):
  pytest.importorskip('matplotlib')
  chart = tmp_path / 'chart.png'
  model = tmp_path / 'model.tflite'
  model.write_bytes(network())
  done = run(model, '--json', '--plot', chart)
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  assert found['schema_version'] == 1
  assert chart.read_bytes().startswith(b'\x89PNG')
  points = {point['options']: point for point in found['points']}
  smallest = convert_model(network(), ConvertOptions())
  assert points['(none)']['arena_total'] == smallest.converted_arena.total
  costs = {
      name: (point['arena_total'], point['macs'], point['kernel_calls'])
      for name, point in points.items()
  }
  for name, point in points.items():
    beaten = any(
        all(a <= b for a, b in zip(other, costs[name]))
        for other_name, other in costs.items()
        if other_name != name
    )
    assert point['optimal'] == (not beaten)
  assert any(point['macs'] > found['stock_macs'] for point in points.values())
  assert all(point['arena_total'] < found['stock_arena'] for point in points.values())


def test_a_file_that_is_no_model(tmp_path):
  path = tmp_path / 'text.tflite'
  path.write_text('not a model')
  done = run(path)
  assert done.returncode == 1 and done.stderr.count('\n') == 1 and str(path) in done.stderr
