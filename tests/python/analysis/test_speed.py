# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The speed that analyze, pareto and their tables tell."""

import pytest
from support.model_builder import ModelBuilder

from tflm_patch.analysis.memory import analyze
from tflm_patch.analysis.pareto import pareto
from tflm_patch.analysis.speed import speed_of
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.planner.work import speed
from tflm_patch.report.tables import analysis_summary, pareto_summary


@pytest.fixture
def path(tmp_path):
  b = ModelBuilder(9)
  x = b.conv(b.input((1, 24, 24, 3)), 8, 3, 2)
  x = b.conv(b.depthwise(x, 1, 3), 16, 1)
  b.output(b.fully_connected(b.mean(x), 4))
  found = tmp_path / 'model.tflite'
  found.write_bytes(b.build())
  return found


def test_analyze(path):
  found = analyze(path, clock_hz=100_000_000)
  plans = [stage.plan for stage in found.conversion.stages]
  assert found.speed.cycles == speed(plans, 'cortex-m4').cycles
  assert found.speed.milliseconds == found.speed.cycles / 1e5
  assert found.speed.whole and found.speed.invocations == 1
  assert found.speed.longest_cycles == found.speed.cycles
  text = analysis_summary(found)
  assert f'{found.speed.cycles / 1e6:,.2f} million cycles' in text and ' ms ' in text
  assert 'invocations' not in text
  assert found.to_json()['speed']['cpu'] == 'cortex-m4'


def test_rows(path):
  found = analyze(path, ConvertOptions(input_rows=1))
  assert found.speed.invocations == 24 and found.speed.milliseconds is None
  assert found.speed.cycles / 24 < found.speed.longest_cycles < found.speed.cycles
  assert 'longest of 24 invocations' in analysis_summary(found)


def test_without_stages_there_is_none(path):
  result = convert_model(path.read_bytes(), ConvertOptions(plugins=('-stage',)))
  assert speed_of(result, 'cortex-m4') is None
  result = convert_model(path.read_bytes())
  assert speed_of(result, None) is None and speed_of(result, 'z80') is None


def test_pareto(path):
  found = pareto(path)
  assert any(point.options == '--minimize cycles' for point in found.points) or found.points
  assert all(point.cycles > point.macs for point in found.points)
  assert 'Mcycles' in pareto_summary(found)
