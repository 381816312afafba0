# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches of generated graphs on emulated cores: TFLM's bytes, and a difference is found."""

from __future__ import annotations

import importlib
import pathlib

import pytest
from support import graph_batch
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.reader import parse_model
from tflm_patch.runtime.inputs import sample_inputs

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / 'benchmarks'
GRAPHS = 100


def an_entry():
  """A model of which the last byte of a batch is the last one of an output."""
  b = ModelBuilder(1)
  b.output(b.conv(b.input((1, 4, 4, 4)), 4))
  data = b.build()
  result = convert_model(data, ConvertOptions(force_stage=True))
  return graph_batch.entry(data, result, list(sample_inputs(parse_model(data), 2, 0)))


@pytest.fixture
def generated(monkeypatch):
  monkeypatch.syspath_prepend(str(BENCHMARKS))
  return importlib.import_module('generated_graphs')


@pytest.mark.slow
@pytest.mark.parametrize('core', ['cortex-m4', 'cortex-m55'])
def test_batches(core, tmp_path, generated):
  figures, cores = generated.Figures(), generated.Cores([core], tmp_path)
  generated.run(GRAPHS, 5, figures, cores)
  assert figures.differences == []
  assert figures.total == GRAPHS >= figures.on_cores[core] > GRAPHS // 3
  good = an_entry()
  bad = good[:-1] + bytes([good[-1] ^ 1])
  endless = good[:16] + bytes([good[16] ^ 0x80]) + good[17:]  # constants of another size
  (runner,) = cores.runners
  assert graph_batch.run(runner, [good, bad, good], tmp_path) == {1: 'other bytes, sample 1'}
  assert set(graph_batch.run(runner, [good, good, bad, endless], tmp_path)) == {2, 3}


@pytest.mark.slow
def test_a_run_goes_on(tmp_path, generated, monkeypatch):
  """In two runs the graphs are those of one, and none occurs twice."""
  monkeypatch.setattr(generated, 'PART', 6)
  cores, state = generated.Cores([], tmp_path), tmp_path / 'state.json'
  whole = generated.Figures()
  generated.run(12, 5, whole, cores)
  begun = generated.Figures()
  generated.run(6, 5, begun, cores, state=state)
  resumed = generated.load(state, 5, cores)
  generated.run(12, 5, resumed, cores, state=state)
  assert resumed.seen == whole.seen and len(set(whole.seen)) == 12
  assert resumed.operators == whole.operators
  assert resumed.seconds > begun.seconds
  with pytest.raises(SystemExit, match='of --seed 5'):
    generated.load(state, 6, cores)
  state.write_text('{}')
  with pytest.raises(SystemExit, match='is no state of this program'):
    generated.load(state, 5, cores)
