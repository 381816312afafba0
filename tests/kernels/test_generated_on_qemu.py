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
GRAPHS = 24


def an_entry():
  """A model of which the last byte of a batch is the last one of an output."""
  b = ModelBuilder(1)
  b.output(b.conv(b.input((1, 4, 4, 4)), 4))
  data = b.build()
  result = convert_model(data, ConvertOptions(force_stage=True))
  return graph_batch.entry(data, result, list(sample_inputs(parse_model(data), 2, 0)))


@pytest.mark.slow
@pytest.mark.parametrize('core', ['cortex-m4', 'cortex-m55'])
def test_batches(core, tmp_path, monkeypatch):
  monkeypatch.syspath_prepend(str(BENCHMARKS))
  generated = importlib.import_module('generated_graphs')
  figures = generated.Figures()
  cores = generated.Cores([core], figures, tmp_path)
  generated.run(GRAPHS, 5, None, figures, cores)
  assert figures.differences == []
  assert sum(figures.graphs.values()) >= figures.on_cores[core] > GRAPHS // 3
  good = an_entry()
  bad = good[:-1] + bytes([good[-1] ^ 1])
  (image,) = cores.images
  printed, failed = graph_batch.run(image, [good, bad, good], tmp_path)
  assert failed == (1,)
  assert '3 graphs, 1 failed' in printed
