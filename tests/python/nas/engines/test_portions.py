# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A training that goes from worker to worker has the weights of one that was not interrupted."""

import json

import numpy as np

from tflm_patch.architecture import format_spec
from tflm_patch.nas.engines import shipping, tasks
from tflm_patch.training import TrainOptions, train
from tflm_patch.training.run import spec_for
from tflm_patch.version import __version__

SPEC = 'in8x8x1 conv3_s2_c8 ir_k3_e2_c8 fc2'
OPTIONS = TrainOptions(epochs=3, batch_size=32, average=0.9, qat_epochs=2)


def test_portions_are_a_whole_training(keras, dataset, tmp_path):
  train(dataset, SPEC, OPTIONS, output=tmp_path)
  task = {
    'kind': 'train',
    'version': __version__,
    'backend': keras.backend.backend(),
    'data': 'whole',
    'spec': format_spec(spec_for(SPEC, dataset)),
    'options': shipping.fields_of(OPTIONS),
    'seconds': 0,
  }
  files, packed, portions, done = {}, shipping.packed(dataset), 0, False
  while not done:
    text, files = tasks.perform(json.dumps(task), packed, files)
    answer = json.loads(text)
    done, portions = answer['done'], portions + 1
    assert 'error' not in answer and 'poch' in answer['progress']
  assert portions >= 2 and set(files) == {'checkpoint.npz', 'checkpoint_int8.npz'}
  for name, content in files.items():
    (tmp_path / f'sent_{name}').write_bytes(content)
    with np.load(tmp_path / name) as ours, np.load(tmp_path / f'sent_{name}') as theirs:
      assert ours.files == theirs.files
      for key in ours.files:
        if key != 'state':
          np.testing.assert_array_equal(ours[key], theirs[key])


def test_what_cannot_be_trained_is_said(keras, dataset):
  task = {
    'kind': 'train',
    'version': __version__,
    'backend': None,
    'data': 'whole',
    'spec': SPEC,
    'options': shipping.fields_of(TrainOptions(epochs=1, learning_rate=1e6, average=0.0)),
    'seconds': 60,
  }
  text, files = tasks.perform(json.dumps(task), shipping.packed(dataset), {'checkpoint.npz': b'x'})
  assert 'no checkpoint that can be resumed' in json.loads(text)['error'] and not files
