# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ArenaBudget: figures before training that equal those of convert after it."""

from __future__ import annotations

import numpy as np
import pytest
from support.keras_models import randomize

from tflm_patch import quantize
from tflm_patch.api import convert_model
from tflm_patch.errors import TflmPatchError


def test_figures_are_those_of_convert(small_model, quarters):
  from tflm_patch.training import ArenaBudget

  model = small_model()
  budget = ArenaBudget(arena=1 << 20)
  history = model.fit(*quarters, epochs=2, verbose=0, callbacks=[budget]).history
  converted = convert_model(quantize(model, quarters[0]).data)
  assert history['arena_bytes'] == [converted.converted_arena.total] * 2
  assert history['flash_bytes'] == [converted.converted_bytes] * 2
  assert history['macs'] == [converted.converted_macs] * 2
  assert history['instructions'][0] > converted.converted_macs / 2
  assert budget.fit.arena_required == converted.converted_arena.required


def test_budget_is_told_before_the_first_epoch(small_model, quarters, capsys):
  from tflm_patch.training import ArenaBudget, BudgetExceeded, footprint

  model = small_model()
  fit = footprint(model)
  before = model.get_weights()
  with pytest.raises(BudgetExceeded) as caught:
    budget = ArenaBudget(arena=100, flash=fit.flash, action='stop')
    model.fit(*quarters, epochs=1, verbose=0, callbacks=[budget])
  excess = f'arena {fit.arena_required:,} bytes where 100 may be: {fit.arena_required - 100:,} too'
  assert excess in str(caught.value) and fit.bound_by in str(caught.value)
  assert 'flash' not in str(caught.value)
  for old, new in zip(before, model.get_weights()):
    assert np.array_equal(old, new)
  budget = ArenaBudget(flash=1000, macs=fit.macs - 1)
  model.fit(*quarters, epochs=1, verbose=0, callbacks=[budget])
  lines = capsys.readouterr().out.splitlines()
  assert len(lines) == 1 and 'flash' in lines[0] and 'MACs' in lines[0]
  assert f'{fit.macs:,} where {fit.macs - 1:,} may be: 1 too many' in lines[0]


def test_changed_structures_are_judged_anew(small_model):
  from tflm_patch.training import ArenaBudget, footprint

  narrow, wide = small_model(4, compiled=False), small_model(16, compiled=False)
  limit = footprint(narrow).arena_required
  budget = ArenaBudget(arena=limit, action='stop')
  budget.set_model(narrow)
  budget.on_train_begin()
  first, logs = budget.fit, {}
  budget.on_epoch_begin(0)
  assert budget.fit is first  # nothing changed, nothing was planned
  budget.set_model(wide)
  wide.stop_training = False
  budget.on_epoch_begin(1)
  budget.on_epoch_end(1, logs)
  assert first.arena_required == limit < budget.fit.arena_required
  assert wide.stop_training and logs['arena_bytes'] == budget.fit.arena


def test_targets_limit_arena_and_flash(keras):
  from tflm_patch.training import ArenaBudget

  limits = ArenaBudget(flash=5000, target='stm32f412').limits
  assert limits.arena == 256 * 1024 and limits.flash == 5000 and limits.cpu == 'cortex-m4'


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    ({'action': 'cry'}, 'use warn or stop'),
    ({'arena': 0}, 'at least 1'),
    ({'target': 'stm32x'}, 'stm32x'),
  ],
)
def test_bad_arguments(keras, arguments, message):
  from tflm_patch.training import ArenaBudget

  with pytest.raises(TflmPatchError, match=message):
    ArenaBudget(**arguments)


@pytest.mark.parametrize('kind', ['residual', 'pads', 'gate'])
def test_structure_alone_says_what_trained_models_need(keras, kind):
  """Other ranges and other weights, the same arena and flash."""
  from tflm_patch.training import footprint

  layers = keras.layers
  source = keras.Input((12, 12, 3))
  x = layers.Conv2D(8, 3, strides=2, padding='same', activation='relu6')(source)
  if kind == 'residual':
    y = layers.DepthwiseConv2D(3, padding='same', activation='hard_silu')(x)
    x = layers.Add()([x, layers.Conv2D(8, 1)(y)])
  elif kind == 'pads':
    y = layers.ZeroPadding2D(1)(x)
    x = layers.Concatenate()([layers.MaxPooling2D(3, 1)(y), x])
  else:
    y = layers.Conv2D(8, 1, activation='sigmoid')(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply()([x, y])
  model = keras.Model(source, layers.Dense(5, activation='softmax')(layers.Flatten()(x)))
  found = footprint(model)
  samples = np.random.default_rng(0).normal(size=(8, 12, 12, 3)).astype(np.float32)
  converted = convert_model(quantize(randomize(model), samples).data)
  assert (found.arena, found.flash, found.macs) == (
    converted.converted_arena.total,
    converted.converted_bytes,
    converted.converted_macs,
  )
