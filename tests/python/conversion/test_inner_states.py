# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""States that are inputs and outputs: stages keep them, and the application copies nothing."""

import dataclasses

import numpy as np
import pytest
from support.stateful_models import STREAMING_ZERO_POINT, external_states, streaming

from tflm_patch.analysis.verification import verify
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.cli.main import main
from tflm_patch.conversion.inner_states import state_pairs
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.tflm import Interpreter

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')

INNER = ConvertOptions(inner_states=True)


@pytest.mark.parametrize('layers', [1, 3])
def test_the_same_bytes_as_with_copied_states(layers):
  data = external_states(layers)
  result = convert_model(data, INNER)
  assert len(result.model.main.operators) == len(result.model.main.inputs) == 1
  assert len(result.model.main.outputs) == 1
  stock, ours = Interpreter(data), Interpreter(result.data)
  rng = np.random.default_rng(3)
  first = [np.full((1, 4, 1, 8), STREAMING_ZERO_POINT, np.int8)] * layers
  states = first
  for step in range(60):
    if step in (11, 12, 40):
      ours.reset()
      states = first
    row = rng.integers(-128, 128, (1, 1, 1, 8)).astype(np.int8)
    *states, wanted = stock.invoke([*states, row])
    np.testing.assert_array_equal(wanted, ours.invoke([row])[0], f'step {step}')


def test_it_is_done_when_asked_for():
  data = external_states()
  assert len(state_pairs(parse_model(data))) == 2
  assert len(convert_model(data).model.main.inputs) == 3


@pytest.mark.slow
def test_verify_copies_the_states(tmp_path):
  original, inner = tmp_path / 'model.tflite', tmp_path / 'inner.tflite'
  original.write_bytes(external_states())
  assert main(['convert', str(original), '-o', str(inner), '--inner-states']) == 0
  check = verify(original, inner, 20)
  assert check.bit_exact and check.inputs == 20
  other = convert_model(external_states(1), INNER).data
  inner.write_bytes(other)
  assert not verify(original, inner, 5).bit_exact


def kept_twice(graph):
  """An operator reads a state beside the one that joins it."""
  (join,) = (op for op in graph.operators if op.opcode == 'CONCATENATION')
  graph.outputs = (*graph.outputs, join.inputs[0])


def test_other_inputs_stay():
  model = parse_model(external_states(1))
  kept_twice(model.main)
  assert not state_pairs(model)
  with pytest.raises(TflmPatchError, match='--inner-states: no input is joined') as caught:
    convert_model(serialize_model(model), INNER)
  assert '\n' not in str(caught.value)


def test_models_without_states():
  with pytest.raises(TflmPatchError, match='--inner-states: no input is joined'):
    convert_model(streaming(1), INNER)
  with pytest.raises(TflmPatchError, match='--hop and --inner-states exclude each other'):
    convert_model(external_states(), dataclasses.replace(INNER, hop=1))
