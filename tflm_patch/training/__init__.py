# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What happens to models before they are converted: training, receptive-field redistribution."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.training.callbacks.arena_budget import ArenaBudget, BudgetExceeded
  from tflm_patch.training.callbacks.int8_evaluation import Int8Evaluation
  from tflm_patch.training.data.augmentation import Augmentation
  from tflm_patch.training.data.dataset import Dataset, Part, Task
  from tflm_patch.training.data.image_folder import read_images
  from tflm_patch.training.measure import footprint
  from tflm_patch.training.options import Budgets, Optimizer, TrainOptions
  from tflm_patch.training.redistribution.figures import Figures
  from tflm_patch.training.redistribution.options import Objective, RedistributionOptions
  from tflm_patch.training.redistribution.redistribute import Redistribution, redistribute
  from tflm_patch.training.result import TrainResult
  from tflm_patch.training.train import train

__all__ = [
  'ArenaBudget',
  'Augmentation',
  'BudgetExceeded',
  'Budgets',
  'Dataset',
  'Figures',
  'Int8Evaluation',
  'Objective',
  'Optimizer',
  'Part',
  'Redistribution',
  'RedistributionOptions',
  'Task',
  'TrainOptions',
  'TrainResult',
  'footprint',
  'read_images',
  'redistribute',
  'train',
]

_HOMES = {
  'ArenaBudget': 'callbacks.arena_budget',
  'Augmentation': 'data.augmentation',
  'BudgetExceeded': 'callbacks.arena_budget',
  'Budgets': 'options',
  'Dataset': 'data.dataset',
  'Figures': 'redistribution.figures',
  'Int8Evaluation': 'callbacks.int8_evaluation',
  'Objective': 'redistribution.options',
  'Optimizer': 'options',
  'Part': 'data.dataset',
  'Redistribution': 'redistribution.redistribute',
  'RedistributionOptions': 'redistribution.options',
  'Task': 'data.dataset',
  'TrainOptions': 'options',
  'TrainResult': 'result',
  'footprint': 'measure',
  'read_images': 'data.image_folder',
  'redistribute': 'redistribution.redistribute',
  'train': 'train',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  if _HOMES[name].startswith('callbacks.'):
    from tflm_patch.quantization.model_io import require_keras

    require_keras()
  value = getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
  globals()[name] = value
  return value
