# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of random sequence models: it goes on where it was killed, and sees differences."""

import argparse
import dataclasses
import importlib.util
import json
import pathlib
import sys

import pytest
from support.sequence_models import KINDS, drawn

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def benchmark():
  spec = importlib.util.spec_from_file_location(
    'generated_sequences', ROOT / 'benchmarks/generated_sequences.py'
  )
  module = importlib.util.module_from_spec(spec)
  sys.modules[spec.name] = module  # where dataclasses look for their module
  with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(ROOT / 'benchmarks'))  # for the modules beside it
    spec.loader.exec_module(module)
  return module


def arguments(state, graphs, seed=0):
  return argparse.Namespace(graphs=graphs, seed=seed, minutes=None, state=state)


def test_a_run_goes_on_where_it_was(benchmark, tmp_path):
  state = tmp_path / 'run.json'
  for graphs in (2, 4):
    asked = arguments(state, graphs)
    benchmark.run(asked, benchmark.load(asked))
  whole = benchmark.Figures()
  benchmark.run(arguments(None, 4), whole)
  found = json.loads(state.read_text())
  assert found['next'] == 4 and not found['differences']
  for name in ('graphs', 'steps', 'resets'):
    assert found[name] == getattr(whole, name)
  assert whole.steps == 4 * benchmark.STEPS


def test_other_files_are_refused(benchmark, tmp_path):
  state = tmp_path / 'run.json'
  state.write_text('[]')
  with pytest.raises(SystemExit, match='is no state of this program'):
    benchmark.load(arguments(state, 4))
  benchmark.save(arguments(state, 4), benchmark.Figures())
  with pytest.raises(SystemExit, match='is of --seed 0'):
    benchmark.load(arguments(state, 4, seed=1))


def test_a_difference_is_seen(benchmark, monkeypatch):
  """Another model's weights in place of the converted one."""
  number = next(n for n in range(99) if drawn(n).kind == 'lstm')
  model = drawn(number)
  damaged = bytearray(benchmark.convert_model(model.data, model.options).data)
  real = benchmark.convert_model

  def convert(data, options):
    found = real(data, options)
    stage = found.model.main.operators[0]
    constants = found.model.main.tensors[stage.inputs[-1]].data.tobytes()
    at = bytes(damaged).index(constants[:64])
    damaged[at : at + len(constants)] = bytes(value ^ 0x11 for value in constants)
    return dataclasses.replace(found, data=bytes(damaged))

  monkeypatch.setattr(benchmark, 'convert_model', convert)
  figures = benchmark.Figures()
  benchmark.compare(number, model, figures)
  assert len(figures.differences) == 1 and f'model {number} (lstm' in figures.differences[0]


def test_models_are_drawn_again():
  assert drawn(17).data == drawn(17).data
  assert {drawn(number).kind for number in range(60)} == set(KINDS)
