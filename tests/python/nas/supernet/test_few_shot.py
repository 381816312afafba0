# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Supernets that are parts of one: they begin with what it learned."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError


@pytest.fixture(scope='module')
def whole(keras, tiny_space):
  from tflm_patch.nas.supernet import Supernet

  keras.utils.set_random_seed(3)
  return Supernet(tiny_space)


def test_parts_compute_what_the_whole_does(whole):
  from tflm_patch.nas.supernet import split

  images = np.random.default_rng(5).normal(size=(16, 12, 12, 1)).astype(np.float32)
  small, large = split(whole, 'stage0.kernel')
  for part, kernel in ((small, (3, 3)), (large, (5, 5))):
    assert part.space.stages[0].kernels == (kernel,)
    candidate = part.shared.smallest_candidate
    assert candidate.spec in whole.shared
    found, wanted = (each.predict(candidate.spec, images) for each in (part, whole))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_networks_are_judged_by_their_part(whole):
  from tflm_patch.nas.supernet import FewShotAccuracy, split

  class Says:
    def __init__(self, value):
      self.value = value

    def evaluate(self, specs, budget=None):
      return [self.value] * len(specs)

  spaces = [part.shared for part in split(whole, 'stage0.depth')]
  fitness = FewShotAccuracy([Says(1.0), Says(2.0)], spaces)
  specs = [space.smallest_candidate.spec for space in spaces]
  assert fitness.evaluate([*specs, specs[0]]) == [1.0, 2.0, 1.0]
  with pytest.raises(TflmPatchError, match='no network of these'):
    FewShotAccuracy([Says(1.0)], spaces[:1]).evaluate(specs)


@pytest.mark.parametrize('decision', ['width', 'stage0.width', 'stage9.depth', 'input', 'depth'])
def test_decisions_that_do_not_divide_are_refused(whole, decision):
  from tflm_patch.nas.supernet import split

  with pytest.raises(TflmPatchError, match=f'cannot be split by "{decision}"'):
    split(whole, decision)
