# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The predictor of scores."""

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.predictor import Predictor
from tflm_patch.nas.proxies.flops import macs_of


def scores_of(space, picks, noise, seed=0):
  """More work is better, and of two options of a decision the later one, by a little each."""
  rng = np.random.default_rng(seed)
  return [
    5 * np.log(macs_of(space.spec_of(each))) + 0.5 * each[0] - each[2] + noise * rng.normal()
    for each in picks
  ]


def test_it_learns_what_is_additive_and_knows_its_error(space):
  picks = list(dict.fromkeys(space.samples(300, seed=1)))
  examples, others = picks[:80], picks[80:160]
  exact = Predictor(space, examples, scores_of(space, examples, 0))
  wanted = np.array(scores_of(space, others, 0))
  assert np.abs(np.array(exact(others)) - wanted).max() < 0.15
  assert exact.error < 0.1 and exact.spearman > 0.99
  noisy = Predictor(space, examples, scores_of(space, examples, 0.5))
  found = np.sqrt(np.mean((np.array(noisy(others)) - wanted) ** 2))
  assert found < 0.5  # noise is not learned
  assert 0.35 < noisy.error < 0.9 and noisy.spearman < exact.spearman


def test_the_error_is_that_of_examples_left_out(space):
  picks = list(dict.fromkeys(space.samples(100, seed=2)))[:40]
  scores = scores_of(space, picks, 0.3)
  whole = Predictor(space, picks, scores)
  missed = []
  for k in range(len(picks)):
    rest = [j for j in range(len(picks)) if j != k]
    part = Predictor(space, [picks[j] for j in rest], [scores[j] for j in rest])
    missed.append(scores[k] - part([picks[k]])[0])
  # Not to the last digit: what is standardized by, and the penalty, change a little.
  assert whole.error == pytest.approx(np.sqrt(np.mean(np.square(missed))), rel=0.3)


def test_decisions_without_effect_change_nothing(space):
  picks = list(dict.fromkeys(space.samples(200, seed=3)))
  predict = Predictor(space, picks[:60], scores_of(space, picks[:60], 0.1))
  at = 2 + 2 + 2  # the second block of the first stage
  shallow = next(each for each in picks if each[2] == 0)
  changed = (*shallow[:at], 1, 1, *shallow[at + 2 :])
  assert changed != shallow and predict([changed]) == predict([shallow]) and predict([]) == []


def test_a_few_examples_are_refused(space):
  picks = space.samples(5, seed=1)
  with pytest.raises(TflmPatchError, match='needs 20 examples or more, not 5'):
    Predictor(space, picks, [0.0] * 5)


def test_equal_scores_are_predicted(space):
  picks = list(dict.fromkeys(space.samples(100, seed=4)))[:30]
  predict = Predictor(space, picks, [7.0] * 30)
  assert predict(picks[:2]) == pytest.approx([7.0, 7.0]) and predict.spearman is None
