# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""StructuredPruning: masked while training, removed in the end."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import quantize
from tflm_patch.api import convert_model
from tflm_patch.errors import TflmPatchError


def test_masked_while_training_then_removed(keras, small_model, quarters):
  from tflm_patch.training import StructuredPruning, footprint

  model = small_model(12)
  limit = int(0.9 * footprint(model).arena_required)
  pruning = StructuredPruning(arena=limit, begin=1, end=3, every=2)
  history = model.fit(*quarters, batch_size=16, epochs=4, verbose=0, callbacks=[pruning]).history
  total = sum(pruning.plan.counts)
  # By the cubic schedule 7/8 are gone after half of the time.
  gone = history['pruned_channels']
  assert gone[0] == 0 and abs(gone[1] - 7 / 8 * total) <= 1 and gone[2] == gone[3] == total > 1
  small = pruning.pruned_model
  images = quarters[0][:16]
  masked, removed = (keras.ops.convert_to_numpy(each(images)) for each in (model, small))
  assert np.allclose(masked, removed, atol=1e-5) and np.ptp(removed) > 0
  converted = convert_model(quantize(small, images).data)
  assert converted.converted_arena.required <= limit
  # The masked model keeps its channels of zeros; `convert` finds that they say nothing.
  whole = quantize(model, images).data
  assert len(quantize(small, images).data) < len(whole)
  assert converted.converted_bytes <= convert_model(whole).converted_bytes
  small.fit(*quarters, epochs=1, verbose=0)  # compiled, and to be trained on


def test_training_that_ends_early(small_model, quarters, capsys):
  from tflm_patch.training import StructuredPruning, footprint

  model = small_model(12)
  pruning = StructuredPruning(flash=footprint(model).flash - 600, end=50)
  with pytest.raises(TflmPatchError, match='nothing is pruned yet'):
    _ = pruning.pruned_model
  model.fit(*quarters, epochs=1, verbose=0, callbacks=[pruning])
  assert 'training ended before epoch 50' in capsys.readouterr().out
  assert footprint(pruning.pruned_model).flash <= footprint(model).flash - 600


def test_dense_weights_take_the_steps_of_masked_ones(keras, small_model):
  from tflm_patch.training.channels.model_channels import ModelChannels
  from tflm_patch.training.pruning.masks import Masks

  model = small_model(compiled=False)
  channels = ModelChannels(model)
  group = next(group for group in channels.groups if group.name == 'second')
  masks = Masks(channels)
  kernel = model.get_layer('second').kernel
  before = keras.ops.convert_to_numpy(kernel).copy()
  masks.apply({group.atoms[2]})
  masked = keras.ops.convert_to_numpy(kernel).copy()
  assert not masked[..., 2].any() and np.array_equal(masked[..., :2], before[..., :2])
  kernel.assign(masked + 0.25)  # a step of an optimizer
  masks.follow()
  assert not keras.ops.convert_to_numpy(kernel)[..., 2].any()
  masks.restore()
  assert np.allclose(keras.ops.convert_to_numpy(kernel), before + 0.25, atol=1e-6)


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    ({}, 'has no limit'),
    ({'arena': 1000, 'begin': 5, 'end': 5}, 'from epoch 5 to 5'),
    ({'arena': 1000, 'every': 0}, 'at least 1'),
  ],
)
def test_bad_arguments(keras, arguments, message):
  from tflm_patch.training import StructuredPruning

  with pytest.raises(TflmPatchError, match=message):
    StructuredPruning(**arguments)
