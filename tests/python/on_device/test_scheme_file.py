# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""scheme.json: written, read, and refused."""

import json

import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device import scheme_file
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme

SCHEME = Scheme((LayerUpdate(3, True, (0, 5)), LayerUpdate(7, True)), Loss.MEAN_SQUARED_ERROR)


def test_what_is_written_is_read(tmp_path):
  path = tmp_path / 'scheme.json'
  training = TrainingOptions(samples=4, input_rows=8, arithmetic=Arithmetic.INTEGER, memory=9000)
  path.write_text(json.dumps(scheme_file.to_json(SCHEME, training)))
  assert scheme_file.read(path) == (SCHEME, training)


def changed(**what):
  return json.dumps({**scheme_file.to_json(SCHEME), **what})


@pytest.mark.parametrize(
  ('text', 'reason'),
  [
    ('', 'is no scheme'),
    ('[' * 100_000, 'is no scheme'),
    ('[]', 'schema_version is not 1'),
    (changed(schema_version=2), 'schema_version is not 1'),
    (changed(loss='hinge'), 'hinge'),
    (changed(updates=3), '"updates" is no list'),
    (changed(updates=[]), 'names each layer'),
    (changed(updates=[{'operator': 1, 'bias': 1, 'input_channels': []}]), '"bias"'),
    (changed(updates=[{'operator': True, 'bias': True, 'input_channels': []}]), 'operator'),
    (changed(updates=[{'operator': 1, 'bias': True, 'input_channels': [0.5]}]), '0.5'),
    (changed(updates=[{'operator': 1, 'bias': True}]), 'input_channels'),
    (changed(samples_an_update=0), 'give 1 to'),
    (changed(input_rows='many'), 'many'),
    (changed(arithmetic='decimal'), 'decimal'),
  ],
)
def test_other_files_are_refused(text, reason, tmp_path):
  path = tmp_path / 'scheme.json'
  path.write_text(text)
  with pytest.raises(TflmPatchError) as caught:
    scheme_file.read(path)
  assert reason in str(caught.value) and '\n' not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
  with pytest.raises(TflmPatchError, match=r'name a scheme\.json'):
    scheme_file.read(tmp_path / 'none.json')
