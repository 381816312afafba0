# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The examples of a search: splits, sizes, what is refused."""

import dataclasses

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.data import SearchData, adapted, imbalance, share_of
from tflm_patch.training.data.dataset import Dataset, Part


def test_candidates_are_judged_by_training_examples_alone(dataset):
  found = SearchData(dataset, seed=3).divided((8, 8, 1))
  assert len(found.train) == 128 and len(found.test) == 32
  assert np.bincount(found.test.targets).tolist() == [16, 16]
  known = {image.tobytes() for image in dataset.train.inputs}
  judged = {image.tobytes() for image in found.test.inputs}
  assert judged <= known
  assert not judged & {image.tobytes() for image in found.train.inputs}


def test_the_split_depends_on_the_seed_alone(dataset):
  first, again = (SearchData(dataset, seed=3).divided((8, 8, 1)) for _ in range(2))
  other = SearchData(dataset, seed=4).divided((8, 8, 1))
  np.testing.assert_array_equal(first.test.inputs, again.test.inputs)
  assert not np.array_equal(first.test.inputs, other.test.inputs)


def test_images_in_memory_take_the_size_of_a_space(dataset):
  data = SearchData(dataset)
  assert data.whole((16, 12, 3)).input_shape == (16, 12, 3)
  same, larger = data.divided((8, 8, 1)), data.divided((16, 16, 1))
  np.testing.assert_array_equal(same.test.targets, larger.test.targets)
  means = same.test.inputs.mean(axis=(1, 2, 3)), larger.test.inputs.mean(axis=(1, 2, 3))
  np.testing.assert_allclose(*means, atol=8)


def test_a_space_takes_the_classes_of_the_data(space, dataset):
  found = adapted(space, SearchData(dataset))
  assert found.head.classes == 2 and found.inputs == space.inputs


def test_a_space_takes_the_steps_of_series():
  part = Part(np.zeros((6, 40, 1, 3), np.float32), np.arange(6) % 2)
  found = adapted(nas.load_space('series'), SearchData(Dataset(part, part, ('a', 'b'))))
  assert found.inputs == ((40, 1, 3),) and found.head.classes == 2


def test_a_share_keeps_every_class(dataset):
  found = share_of(dataset, 0.1, 1)
  assert np.bincount(found.train.targets).tolist() == [8, 8]
  assert share_of(dataset, 1.0, 1) is dataset


def _part(targets):
  return Part(np.zeros((len(targets), 8, 8, 1), np.uint8), np.array(targets, np.int64))


@pytest.mark.parametrize(
  ('train', 'message'),
  [([], 'no examples'), ([0, 0, 0, 1], 'class "b" has 1 examples'), ([0, 0], 'class "b" has 0')],
)
def test_too_few_examples_are_said(train, message):
  data = SearchData(Dataset(_part(train), _part([0, 1]), ('a', 'b')))
  with pytest.raises(TflmPatchError, match=message):
    data.whole((8, 8, 1))


def test_classes_of_very_different_sizes_are_said(dataset):
  assert imbalance(dataset) == ''
  uneven = dataclasses.replace(dataset, train=_part([0] * 40 + [1] * 4))
  assert 'class "column" has 40 training examples, class "row" only 4' in imbalance(uneven)


def test_images_of_other_channels_are_refused(dataset):
  with pytest.raises(TflmPatchError, match='images of 1 channels cannot become 4'):
    SearchData(dataset).whole((8, 8, 4))
