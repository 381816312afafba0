# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels go until the planner says that the limits are kept."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import quantize
from tflm_patch.api import convert_model
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.errors import TflmPatchError


@pytest.mark.parametrize('limit', ['arena', 'flash', 'instructions'])
def test_limits_are_kept_by_what_convert_gives(small_model, quarters, limit):
  from tflm_patch.training import footprint, prune

  model = small_model(12, compiled=False)
  before = footprint(model)
  have = {
    'arena': before.arena_required,
    'flash': before.flash,
    'instructions': before.instructions,
  }[limit]
  found = prune(model, **{limit: int(0.9 * have)})
  assert found.before == before and found.removed
  rng = np.random.default_rng(0)
  for weight in found.model.weights:  # as after training, when no biases are equal
    if 'variance' not in weight.path:
      weight.assign(rng.normal(size=weight.shape))
  # Random weights leave constant channels, which only `convert` can see.
  blind = ConvertOptions(plugins=('-constant_channels',))
  converted = convert_model(quantize(found.model, quarters[0][:8]).data, blind)
  assert found.after.arena == converted.converted_arena.total
  assert found.after.flash == converted.converted_bytes
  value = {
    'arena': converted.converted_arena.required,
    'flash': converted.converted_bytes,
    'instructions': found.after.instructions,
  }[limit]
  assert value <= 0.9 * have


def test_no_channel_goes_that_need_not(small_model):
  from tflm_patch.training import footprint, prune
  from tflm_patch.training.channels.model_channels import ModelChannels
  from tflm_patch.training.channels.shrink import shrunk
  from tflm_patch.training.pruning.plan import weakest_first

  model = small_model(12, compiled=False)
  limit = int(0.9 * footprint(model).arena_required)
  found = prune(model, arena=limit)
  channels = ModelChannels(model)
  order = weakest_first(channels)
  counts = [found.removed.get(group.name, 0) for group in channels.groups]
  for number, count in enumerate(counts):
    if count:
      fewer = [*counts[:number], count - 1, *counts[number + 1 :]]
      gone = {atom for atoms, k in zip(order, fewer) for atom in atoms[:k]}
      assert footprint(shrunk(channels, gone)).arena_required > limit
  # Those that went are the smallest.
  norms = channels.norms()
  for atoms, count in zip(order, counts):
    assert sorted(norms[atom] for atom in atoms)[:count] == [norms[atom] for atom in atoms[:count]]


def test_what_is_small_enough_stays(small_model):
  from tflm_patch.training import prune

  model = small_model(compiled=False)
  found = prune(model, arena=1 << 20)
  assert found.removed == {} and found.model.count_params() == model.count_params()


def test_limits_that_cannot_be_kept(small_model):
  from tflm_patch.training import prune

  with pytest.raises(TflmPatchError, match=r'fewest channels still arena .* where 100 may be'):
    prune(small_model(compiled=False), arena=100)
