# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks within a supernet are what they are alone; files; what is refused."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from tflm_patch import models
from tflm_patch.errors import TflmPatchError

IMAGES = np.random.default_rng(5).normal(size=(80, 12, 12, 1)).astype(np.float32)


def some(supernet, count=4):
  shared = supernet.shared
  rng = random.Random(7)
  return [
    shared.largest_candidate,
    shared.smallest_candidate,
    *(shared.sample(rng) for _ in range(count)),
  ]


def test_an_extracted_network_computes_what_the_supernet_does(keras, scrambled):
  """To the bit, but for masks, which also add zeros."""
  exact = keras.backend.backend() == 'tensorflow'
  for candidate in some(scrambled):
    scrambled.recalibrate(candidate, IMAGES, batch=32)
    model = scrambled.extract(candidate)
    assert models.spec_of(model) == candidate.spec
    own = scrambled.resized(candidate, IMAGES)
    wanted = np.asarray(model(own))
    found = scrambled.predict(candidate, IMAGES)
    if exact:
      np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_recalibration_is_that_of_the_network_alone(scrambled):
  from tflm_patch.training import recalibrate

  for candidate in some(scrambled, 2):
    model = scrambled.extract(candidate, IMAGES)
    statistics = [np.array(each) for each in model.non_trainable_weights]
    recalibrate(model, scrambled.resized(candidate, IMAGES), batch=64)
    for ours, alone in zip(statistics, model.non_trainable_weights):
      np.testing.assert_allclose(ours, np.asarray(alone), rtol=1e-3, atol=1e-4)


def test_one_graph_serves_all(keras, scrambled):
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('graphs are TensorFlow')
  engine, targets = scrambled.engine, np.eye(4, dtype=np.float32)[np.arange(80) % 4]
  for candidate in some(scrambled):
    engine.gradients(IMAGES, targets, candidate.table, candidate.size, None, 0.0)
    engine.run(IMAGES, candidate.table, candidate.size, statistics=False)
    engine.run(IMAGES, candidate.table, candidate.size, statistics=True)
  assert engine.traces == 3


def test_gradients_are_those_of_the_network_alone(keras, scrambled):
  """Of the weights that a network uses; the others get none."""
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('uses a gradient tape')
  import tensorflow as tf

  from tflm_patch.training.elastic.weights import part_of

  engine, targets = scrambled.engine, np.eye(4, dtype=np.float32)[np.arange(80) % 4]
  candidate = some(scrambled)[2]
  for kept in engine._sums:
    kept.assign(tf.zeros_like(kept))
  loss, _ = engine.gradients(IMAGES, targets, candidate.table, candidate.size, None, 0.0)
  model = scrambled.extract(candidate)
  with tf.GradientTape() as tape:
    outputs = model(scrambled.resized(candidate, IMAGES), training=True)
    wanted = scrambled.loss.hard(targets, outputs)
  assert loss == pytest.approx(float(wanted), rel=1e-3)
  alone = tape.gradient(wanted, [each.value for each in model.get_layer('conv_2d_0').weights])
  sums = dict(zip([each.path for each in scrambled.network.trainable_weights], engine._sums))
  found = next(value.numpy() for path, value in sums.items() if 'conv_2d_0/kernel' in path)
  part = part_of(found, tuple(alone[0].shape))
  np.testing.assert_allclose(part, alone[0].numpy(), rtol=1e-2, atol=1e-3)
  if part.shape != found.shape:
    assert not found[..., part.shape[-1] :].any()


def test_files(scrambled, tmp_path):
  from tflm_patch.nas.supernet import Supernet

  path = tmp_path / 'supernet.npz'
  scrambled.save(path)
  again = Supernet.load(path)
  assert again.space == scrambled.space and again.loss == scrambled.loss
  for ours, theirs in zip(scrambled.network.weights, again.network.weights):
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
  whole = path.read_bytes()
  for damaged in (whole[: len(whole) // 2], b'', b'PK' + whole[9:]):
    path.write_bytes(damaged)
    with pytest.raises(TflmPatchError, match='no supernet that can be read'):
      Supernet.load(path)
  with pytest.raises(TflmPatchError, match='no supernet'):
    Supernet.load(tmp_path / 'none.npz')


def test_files_of_what_they_do_not_hold_are_refused(scrambled, tmp_path):
  """A file cannot make a network that is larger than the file."""
  from tflm_patch.nas.supernet import Supernet

  path = tmp_path / 'supernet.npz'
  scrambled.save(path)
  with np.load(path) as archive:
    arrays = dict(archive)
  about = json.loads(arrays['about'].tobytes())
  about['space']['tail'] = ['conv3_c60000']
  arrays['about'] = np.frombuffer(json.dumps(about).encode(), np.uint8)
  np.savez(path, **arrays)
  with pytest.raises(TflmPatchError, match='fewer weights than its space'):
    Supernet.load(path)


def test_recalibration_needs_samples(scrambled):
  with pytest.raises(TflmPatchError, match='without samples'):
    scrambled.recalibrate(scrambled.shared.smallest_candidate, IMAGES[:0])
