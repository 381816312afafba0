# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Budgets of time and epochs, and the learning rate that follows them."""

import math

import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.options import Optimizer, TrainOptions


def test_progress_is_the_share_that_is_used_up_most():
  options = TrainOptions(epochs=10, minutes=2, cpu_minutes=3)
  assert options.progress(5, 12, 18) == 0.5
  assert options.progress(1, 60, 18) == 0.5
  assert options.progress(1, 12, 135) == 0.75
  assert options.progress(11, 0, 0) == 1


def test_epochs_are_unlimited_only_beside_minutes():
  assert TrainOptions().most_epochs == 60
  assert math.isinf(TrainOptions(minutes=1).most_epochs)
  assert TrainOptions(cpu_minutes=1, epochs=3).most_epochs == 3


def test_the_rate_rises_then_falls_along_a_cosine():
  options = TrainOptions(learning_rate=0.4, warmup=0.2)
  assert options.rate_at(0.1) == pytest.approx(0.2)
  assert options.rate_at(0.2) == pytest.approx(0.4)
  assert options.rate_at(0.6) == pytest.approx(0.2)
  assert options.rate_at(1.0) == pytest.approx(0.0)
  assert TrainOptions(warmup=0.0).rate_at(0.0) == TrainOptions().rate > 0


def test_defaults_depend_on_the_optimizer():
  assert TrainOptions(optimizer='adamw').optimizer is Optimizer.ADAMW
  assert TrainOptions(optimizer='adamw').rate < TrainOptions().rate
  assert TrainOptions(weight_decay=0.0).decay == 0


@pytest.mark.parametrize(
  'options',
  [
    {'optimizer': 'adam'},
    {'epochs': 0},
    {'minutes': float('inf')},
    {'average': 1.0},
    {'seed': -1},
    {'label_smoothing': float('nan')},
  ],
)
def test_values_that_mean_nothing(options):
  with pytest.raises(TflmPatchError, match=next(iter(options))):
    TrainOptions(**options)
