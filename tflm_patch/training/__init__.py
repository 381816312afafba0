# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What happens to models before they are converted: training, callbacks, redistribution."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.training.callbacks.arena_budget import ArenaBudget, BudgetExceeded
  from tflm_patch.training.callbacks.int8_evaluation import Int8Evaluation
  from tflm_patch.training.callbacks.low_rank_factorization import LowRankFactorization
  from tflm_patch.training.callbacks.structured_pruning import StructuredPruning
  from tflm_patch.training.data.augmentation import Augmentation
  from tflm_patch.training.data.dataset import Dataset, Part, Task
  from tflm_patch.training.data.image_folder import read_images
  from tflm_patch.training.data.series import Windows, read_series
  from tflm_patch.training.factorization.factorize import Factorized, FactorizeOptions, factorize
  from tflm_patch.training.measure import footprint
  from tflm_patch.training.options import Budgets, Optimizer, TrainOptions
  from tflm_patch.training.pruning.prune import Pruned, prune
  from tflm_patch.training.quantization_aware import (
    QuantizationAware,
    QuantizationAwareOptions,
    RangeMode,
  )
  from tflm_patch.training.redistribution.figures import Figures
  from tflm_patch.training.redistribution.options import Objective, RedistributionOptions
  from tflm_patch.training.redistribution.redistribute import Redistribution, redistribute
  from tflm_patch.training.result import TrainResult
  from tflm_patch.training.run import DataOptions, train

__all__ = [
  'ArenaBudget',
  'Augmentation',
  'BudgetExceeded',
  'Budgets',
  'DataOptions',
  'Dataset',
  'FactorizeOptions',
  'Factorized',
  'Figures',
  'Int8Evaluation',
  'LowRankFactorization',
  'Objective',
  'Optimizer',
  'Part',
  'Pruned',
  'QuantizationAware',
  'QuantizationAwareOptions',
  'RangeMode',
  'Redistribution',
  'RedistributionOptions',
  'StructuredPruning',
  'Task',
  'TrainOptions',
  'TrainResult',
  'Windows',
  'factorize',
  'footprint',
  'prune',
  'read_images',
  'read_series',
  'redistribute',
  'train',
]

_HOMES = {
  'ArenaBudget': 'callbacks.arena_budget',
  'Augmentation': 'data.augmentation',
  'BudgetExceeded': 'callbacks.arena_budget',
  'Budgets': 'options',
  'DataOptions': 'run',
  'Dataset': 'data.dataset',
  'FactorizeOptions': 'factorization.factorize',
  'Factorized': 'factorization.factorize',
  'Figures': 'redistribution.figures',
  'Int8Evaluation': 'callbacks.int8_evaluation',
  'LowRankFactorization': 'callbacks.low_rank_factorization',
  'Objective': 'redistribution.options',
  'Optimizer': 'options',
  'Part': 'data.dataset',
  'Pruned': 'pruning.prune',
  'QuantizationAware': 'quantization_aware',
  'QuantizationAwareOptions': 'quantization_aware',
  'RangeMode': 'quantization_aware',
  'Redistribution': 'redistribution.redistribute',
  'RedistributionOptions': 'redistribution.options',
  'StructuredPruning': 'callbacks.structured_pruning',
  'Task': 'data.dataset',
  'TrainOptions': 'options',
  'TrainResult': 'result',
  'Windows': 'data.series',
  'factorize': 'factorization.factorize',
  'footprint': 'measure',
  'prune': 'pruning.prune',
  'read_images': 'data.image_folder',
  'read_series': 'data.series',
  'redistribute': 'redistribution.redistribute',
  'train': 'run',
}
_NEED_KERAS = (
  *('callbacks.', 'distillation', 'elastic', 'factorization.', 'net_aug', 'pruning.'),
  'quantization_aware',
)


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  if _HOMES[name].startswith(_NEED_KERAS):
    from tflm_patch.quantization.model_io import require_keras

    require_keras()
  value = getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
  globals()[name] = value
  return value
