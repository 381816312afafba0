# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Images are varied as much as asked, and only so."""

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.augmentation import NONE, Augmentation, augment, mix
from tflm_patch.training.data.batches import Batches
from tflm_patch.training.data.dataset import Dataset, Part


@pytest.fixture
def images():
  return np.random.default_rng(5).integers(0, 256, (64, 12, 10, 3), np.uint8)


def vary(images, **options):
  values = {'flip': False, 'shift': 0.0, **options}
  return augment(images, Augmentation(**values), np.random.default_rng(1))


def test_nothing_asked_changes_nothing(images):
  np.testing.assert_array_equal(augment(images, NONE, np.random.default_rng(0)), images)


def test_flips_mirror_about_half(images):
  varied = vary(images, flip=True)
  same = (varied == images).all(axis=(1, 2, 3))
  mirrored = (varied == images[:, :, ::-1]).all(axis=(1, 2, 3))
  assert (same ^ mirrored).all() and 16 < mirrored.sum() < 48


def test_shifts_move_whole_pixels(images):
  varied = vary(images, shift=0.2)
  moves = set()
  for before, after in zip(images, varied):
    found = [
      (y, x)
      for y in range(-2, 3)
      for x in range(-2, 3)
      if (after[2:-2, 2:-2] == before[2 + y : 10 + y, 2 + x : 8 + x]).all()
    ]
    moves.update(found)
    assert len(found) == 1
  assert len(moves) > 10


def test_a_turn_by_nothing_and_a_zoom_by_nothing(images):
  """The sampler reproduces whole positions."""
  np.testing.assert_allclose(vary(images, rotation=1e-9), images, atol=1e-3)


def test_rotation_keeps_the_centre_and_moves_the_corners():
  image = np.zeros((1, 21, 21, 1), np.uint8)
  image[0, 10, 10], image[0, 10, 18] = 255, 255
  varied = np.concatenate([vary(image, rotation=90) for _ in range(3)])
  np.testing.assert_allclose(varied[:, 10, 10, 0], 255, atol=1)
  assert (varied[:, 10, 18, 0] < 250).all()
  assert (abs(varied.sum(axis=(1, 2, 3)) - 510) < 60).all()


@pytest.mark.parametrize('options', [{'brightness': 0.3}, {'contrast': 0.5}])
def test_light(images, options):
  varied = vary(images, **options)
  assert varied.min() >= 0 and varied.max() <= 255
  assert np.ptp(varied.mean(axis=(1, 2, 3)) - images.mean(axis=(1, 2, 3))) > 0.5


def test_cutout_is_grey_and_no_larger_than_asked(images):
  changed = (vary(images, cutout=0.5) != images).any(axis=-1)
  assert changed.sum(axis=(1, 2)).max() <= 6 * 5 and changed.any(axis=(1, 2)).mean() > 0.9


def test_mixing_mixes_targets_alike():
  inputs, targets = np.eye(8, dtype=np.float32), np.eye(8, dtype=np.float32)
  mixed, labels = mix(inputs, targets, 0.4, np.random.default_rng(2))
  np.testing.assert_array_equal(mixed, labels)
  np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
  assert (labels.argmax(axis=1) == np.arange(8)).all() and labels.max() < 1.01


@pytest.mark.parametrize(
  'options', [{'shift': 0.6}, {'rotation': -1}, {'zoom': 1.0}, {'mixup': float('nan')}]
)
def test_values_that_mean_nothing(options):
  with pytest.raises(TflmPatchError, match='augmentation: '):
    Augmentation(**options)


def test_batches_are_a_function_of_seed_epoch_and_step(images):
  part = Part(images, np.arange(64) % 2)
  batches = Batches(Dataset(part, part, ('a', 'b')), 16, Augmentation(mixup=0.2), 7)
  whole = list(batches.epoch(3))
  assert len(whole) == batches.steps == 4
  for ours, theirs in zip(batches.epoch(3, first=2), whole[2:], strict=True):
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])
  assert not np.array_equal(next(batches.epoch(4))[0], whole[0][0])
