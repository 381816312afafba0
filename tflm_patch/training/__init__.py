# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What makes models small and exact while they are trained.

`redistribute` needs no Keras for specs; callbacks and what edits models load it when they
are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tflm_patch.training.redistribution.figures import Figures
from tflm_patch.training.redistribution.options import Objective, RedistributionOptions
from tflm_patch.training.redistribution.redistribute import Redistribution, redistribute

if TYPE_CHECKING:
  from tflm_patch.training.callbacks.arena_budget import ArenaBudget, BudgetExceeded
  from tflm_patch.training.callbacks.int8_evaluation import Int8Evaluation
  from tflm_patch.training.measure import footprint

__all__ = [
  'ArenaBudget',
  'BudgetExceeded',
  'Figures',
  'Int8Evaluation',
  'Objective',
  'Redistribution',
  'RedistributionOptions',
  'footprint',
  'redistribute',
]

# Of names that need Keras.
_HOMES = {
  'ArenaBudget': 'callbacks.arena_budget',
  'BudgetExceeded': 'callbacks.arena_budget',
  'Int8Evaluation': 'callbacks.int8_evaluation',
  'footprint': 'measure',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  from tflm_patch.quantization.model_io import require_keras

  require_keras()
  value = getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
  globals()[name] = value
  return value
