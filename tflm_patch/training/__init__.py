# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What happens to models before they are converted: training, receptive-field redistribution."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.training.data.augmentation import Augmentation
  from tflm_patch.training.data.dataset import Dataset, Part, Task
  from tflm_patch.training.data.image_folder import read_images
  from tflm_patch.training.options import Budgets, Optimizer, TrainOptions
  from tflm_patch.training.redistribution.figures import Figures
  from tflm_patch.training.redistribution.options import Objective, RedistributionOptions
  from tflm_patch.training.redistribution.redistribute import Redistribution, redistribute
  from tflm_patch.training.result import TrainResult
  from tflm_patch.training.train import train

__all__ = [
  'Augmentation',
  'Budgets',
  'Dataset',
  'Figures',
  'Objective',
  'Optimizer',
  'Part',
  'Redistribution',
  'RedistributionOptions',
  'Task',
  'TrainOptions',
  'TrainResult',
  'read_images',
  'redistribute',
  'train',
]

_HOMES = {
  'Augmentation': 'data.augmentation',
  'Budgets': 'options',
  'Dataset': 'data.dataset',
  'Figures': 'redistribution.figures',
  'Objective': 'redistribution.options',
  'Optimizer': 'options',
  'Part': 'data.dataset',
  'Redistribution': 'redistribution.redistribute',
  'RedistributionOptions': 'redistribution.options',
  'Task': 'data.dataset',
  'TrainOptions': 'options',
  'TrainResult': 'result',
  'read_images': 'data.image_folder',
  'redistribute': 'redistribution.redistribute',
  'train': 'train',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  value = getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
  globals()[name] = value
  return value
