# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Supernets of detectors: their maps have the size of the image's cells."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.supernet import SupernetOptions
from tflm_patch.training import Augmentation, Dataset, Part, TrainOptions

SPACE = {
  'name': 'boxes',
  'inputs': [[16, 16, 1], [24, 24, 1]],
  'stem': ['conv3_s2_c8'],
  'stages': [{'block': 'ir_s2_c16', 'depths': [1, 2], 'kernels': [3, 5], 'expansions': [2, 3]}],
  'head': 'yolo2_a1_s1',
}


def squares(count, seed):
  """A bright or a dark square an image."""
  rng = np.random.default_rng(seed)
  images = rng.integers(110, 146, (count, 24, 24, 1), np.uint8)
  boxes = np.full((count, 2, 5), -1, np.float32)
  for image, box in zip(images, boxes):
    dark, top, left, side = rng.integers(2), *rng.integers(0, 14, 2), rng.integers(7, 11)
    image[top : top + side, left : left + side] = 10 if dark else 245
    box[0] = dark, (left + side / 2) / 24, (top + side / 2) / 24, side / 24, side / 24
  return Part(images, boxes)


@pytest.fixture(scope='module')
def scenes():
  return Dataset(squares(128, 1), squares(48, 2), ('bright', 'dark'))


def test_the_loss_of_a_map_whose_size_is_not_known(keras):
  """In a graph, as in supernets, it is what it is elsewhere."""
  tensorflow = pytest.importorskip('tensorflow')
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('graphs of TensorFlow')
  from tflm_patch.training.detection.loss import detection_loss

  unknown = tensorflow.TensorSpec((None, None, None, 7), tensorflow.float32)
  targets = tensorflow.TensorSpec((None, None, 5), tensorflow.float32)
  traced = tensorflow.function(detection_loss, input_signature=(targets, unknown))
  boxes = squares(4, 3).targets
  for rows, cols in ((4, 4), (3, 5)):
    maps = np.random.default_rng(1).normal(size=(4, rows, cols, 7)).astype(np.float32)
    found = traced(boxes, maps).numpy()
    np.testing.assert_allclose(found, np.asarray(detection_loss(boxes, maps)), rtol=1e-5)
    assert found.shape == (4,) and (found > 0).all()


def test_a_supernet_of_detectors(keras, scenes, tmp_path):
  pytest.importorskip('pycocotools')
  from tflm_patch.nas.supernet import InheritedAccuracy, Supernet, train_supernet

  space = nas.space_from_json(SPACE)
  keras.utils.set_random_seed(1)
  supernet = Supernet(space)
  training = TrainOptions(
    epochs=14,
    batch_size=16,
    optimizer='adamw',
    learning_rate=0.01,
    average=0.0,
    augmentation=Augmentation(flip=False, shift=0),
  )
  train_supernet(supernet, scenes, SupernetOptions(training, random=1), tmp_path)
  specs = [space.spec_of(picks) for picks in ((1, 0, 1, 0, 1, 1, 1, 1), (0, 0, 0, 0, 0, 0, 0, 0))]
  large, small = InheritedAccuracy(supernet, scenes).evaluate(specs)
  assert large > 30 and small > 5  # mAP@0.5; of an untrained one it is near 0
  samples = scenes.to_model(scenes.train.inputs)
  for spec in specs:
    model = supernet.extract(spec, samples)
    read = supernet.resized(spec, samples[:8])
    side = spec.input_shape[0] // 4
    assert model.output_shape[1:] == (side, side, 7)
    np.testing.assert_allclose(
      np.asarray(model(read)), supernet.predict(spec, samples[:8]), rtol=1e-3, atol=1e-3
    )
  again = Supernet.load(tmp_path / 'supernet.npz')
  assert again.loss == supernet.loss and again.loss.boxes


def test_a_head_of_other_classes(keras, scenes):
  from tflm_patch.nas.supernet import Supernet, train_supernet

  supernet = Supernet(nas.space_from_json({**SPACE, 'head': 'yolo3_a1_s1'}))
  with pytest.raises(TflmPatchError, match=r'the data have 7 outputs, .* has 8'):
    train_supernet(supernet, scenes)
