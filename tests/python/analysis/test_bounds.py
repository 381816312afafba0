# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What analyze says bounds the memory, and how long it and pareto take."""

import json
import subprocess
import sys
import time

import pytest
from support.detector_models import pose_network, yolo_network
from support.model_builder import ModelBuilder

from tflm_patch.analysis.memory import analyze, analyze_conversion
from tflm_patch.analysis.pareto import pareto
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType
from tflm_patch.sample.sample import sample_model_path

SECONDS = 40  # of CPU time, four times what they take on a calm machine


def autoencoder():
  b = ModelBuilder(3)
  x = b.quantize(b.input((1, 640), DType.FLOAT32))
  for units in (64, 8, 64):
    x = b.fully_connected(x, units, activation='RELU')
  b.output(b.dequantize(b.fully_connected(x, 640)))
  return b.build()


def stock_beside():
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 24, 24, 3)), 8, 3, 2)
  y = b.leaky_relu(b.conv(x, 16, 3), -0.5)
  b.output(b.fully_connected(b.mean(b.conv(y, 8, 3)), 3), x)
  return b.build()


def sample():
  return sample_model_path().read_bytes()


@pytest.mark.parametrize('keep_input', [False, True])
@pytest.mark.parametrize('force', [False, True])
@pytest.mark.parametrize(
  'make', [autoencoder, stock_beside, sample, lambda: pose_network(64, DType.UINT8)]
)
def test_the_parts_of_a_bound_add_up(make, force, keep_input):
  options = ConvertOptions(force_stage=force, keep_input=keep_input)
  analysis = analyze_conversion(convert_model(make(), options))
  for bound in (analysis.bound_before, analysis.bound_after):
    assert bound.where
    assert sum(size for _, size in bound.parts) == bound.bytes > 0
    sizes = [size for _, size in bound.parts]
    assert sizes == sorted(sizes, reverse=True)


def test_rows_of_the_input_by_bands_add_up():
  analysis = analyze_conversion(convert_model(sample(), ConvertOptions(input_rows=1)))
  bound = analysis.bound_after
  assert sum(size for _, size in bound.parts) == bound.bytes > 0


def test_progress_is_shown_and_options_that_change_nothing_are_not_tried(tmp_path):
  path = tmp_path / 'model.tflite'
  path.write_bytes(sample())  # its inputs and outputs are int8
  said = []
  analyze(path, progress=said.append)
  assert any(text.startswith('Trying') for text in said)
  assert not any('--int8-io' in text for text in said)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='measures CPU time of Linux')
@pytest.mark.parametrize('command', [analyze, pareto], ids=['analyze', 'pareto'])
def test_a_model_of_250_operators_takes_little_time(command, tmp_path):
  pytest.importorskip('tflm_patch.planner.native', reason='layouts are searched in Python')
  path = tmp_path / 'yolo.tflite'
  path.write_bytes(yolo_network())
  said = []
  start = time.process_time()
  command(path, progress=said.append)
  assert time.process_time() - start < SECONDS
  assert len(said) > 3


@pytest.mark.slow
def test_json_has_both_arenas(tmp_path):
  path = tmp_path / 'model.tflite'
  path.write_bytes(sample())
  command = [sys.executable, '-m', 'tflm_patch.cli.main', 'analyze', str(path), '--json']
  done = subprocess.run(command, capture_output=True, text=True)
  found = json.loads(done.stdout)
  assert found['schema_version'] == 2
  converted = found['conversion']['converted']
  assert converted['arena_total'] < converted['arena_host']
