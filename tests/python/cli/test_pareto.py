# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch pareto, as a user meets it."""

import collections
import json
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from support.model_builder import ModelBuilder

from tflm_patch.analysis.pareto import pareto
from tflm_patch.api import ConvertOptions, convert_model


def run(*arguments):
  return subprocess.run(
    [sys.executable, '-m', 'tflm_patch.cli.main', 'pareto', *map(str, arguments)],
    capture_output=True,
    text=True,
  )


def network():
  b = ModelBuilder(2)
  x = b.conv(b.input((1, 24, 20, 3)), 8, 3, 2)
  x = b.conv(b.depthwise(b.conv(x, 16, 1), 3, 2), 12, 1)
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


@pytest.mark.slow
def test_points_and_chart(tmp_path):
  pytest.importorskip('matplotlib')
  chart = tmp_path / 'chart.png'
  model = tmp_path / 'model.tflite'
  model.write_bytes(network())
  done = run(model, '--json', '--plot', chart)
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  assert found['schema_version'] == 2
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


class Tags(HTMLParser):
  """Counts tags and collects what is written between them."""

  def __init__(self):
    super().__init__()
    self.found = collections.Counter()
    self.open = []
    self.cells = []
    self.links = []

  def handle_starttag(self, tag, attrs):
    self.found[tag] += 1
    self.links += [value for name, value in attrs if name in ('src', 'href')]
    if tag not in ('meta', 'line', 'polyline'):
      self.open.append(tag)

  def handle_endtag(self, tag):
    if tag in ('line', 'polyline'):
      return
    assert self.open.pop() == tag

  def handle_data(self, data):
    if self.open and self.open[-1] == 'td':
      self.cells.append(data)


@pytest.mark.slow
def test_an_html_report_is_complete_in_itself(tmp_path):
  model, page = tmp_path / 'a<b>.tflite', tmp_path / 'report.html'
  model.write_bytes(network())
  done = run(model, '--html', page)
  assert done.returncode == 0, done.stderr
  assert f'report: {page}' in done.stdout
  text = page.read_text()
  tags = Tags()
  tags.feed(text)
  assert not tags.open and not tags.links and 'a&lt;b&gt;.tflite' in text
  points = pareto(model).points
  assert tags.found['svg'] == 1 and tags.found['circle'] == len(points)
  assert tags.found['tr'] == len(points) + 1
  for point in points:
    assert point.options in tags.cells and f'{point.arena_total:,}' in tags.cells


@pytest.mark.slow
def test_a_report_that_cannot_be_written(tmp_path):
  model = tmp_path / 'model.tflite'
  model.write_bytes(network())
  done = run(model, '--html', tmp_path / 'absent' / 'report.html')
  assert done.returncode == 1 and 'absent' in done.stderr
  assert 'Traceback' not in done.stderr


def test_a_file_that_is_no_model(tmp_path):
  path = tmp_path / 'text.tflite'
  path.write_text('not a model')
  done = run(path)
  assert done.returncode == 1 and done.stderr.count('\n') == 1 and str(path) in done.stderr
