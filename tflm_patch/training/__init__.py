# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What happens to models before they are converted: training, callbacks, redistribution."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.on_device.simulation.adaptation import AdaptOptions
  from tflm_patch.training.anomaly_adaptive import AdaptiveThreshold
  from tflm_patch.training.callbacks.adapt import Adapt
  from tflm_patch.training.callbacks.arena_budget import ArenaBudget, BudgetExceeded
  from tflm_patch.training.callbacks.int8_evaluation import Int8Evaluation
  from tflm_patch.training.callbacks.low_rank_factorization import LowRankFactorization
  from tflm_patch.training.callbacks.progressive_shrinking import (
    Phase,
    ProgressiveShrinking,
    once_for_all,
  )
  from tflm_patch.training.callbacks.structured_pruning import StructuredPruning
  from tflm_patch.training.data.anomalies import AnomalyOptions, read_anomalies
  from tflm_patch.training.data.augmentation import Augmentation
  from tflm_patch.training.data.dataset import Dataset, Part, Task
  from tflm_patch.training.data.image_folder import read_images
  from tflm_patch.training.data.series import Windows, read_series
  from tflm_patch.training.distillation import DistillationOptions, distill
  from tflm_patch.training.elastic.model import ElasticModel, ElasticOptions, Slot
  from tflm_patch.training.elastic.space import Elasticity, Space, SubNetwork, elastic_space
  from tflm_patch.training.elastic.weights import recalibrate
  from tflm_patch.training.factorization.factorize import Factorized, FactorizeOptions, factorize
  from tflm_patch.training.measure import footprint
  from tflm_patch.training.net_aug import EndAugmentation, NetAug, NetAugOptions
  from tflm_patch.training.options import Budgets, Optimizer, TrainOptions
  from tflm_patch.training.preparation import prepare_adaptation
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
  'Adapt',
  'AdaptOptions',
  'AdaptiveThreshold',
  'AnomalyOptions',
  'ArenaBudget',
  'Augmentation',
  'BudgetExceeded',
  'Budgets',
  'DataOptions',
  'Dataset',
  'DistillationOptions',
  'ElasticModel',
  'ElasticOptions',
  'Elasticity',
  'EndAugmentation',
  'FactorizeOptions',
  'Factorized',
  'Figures',
  'Int8Evaluation',
  'LowRankFactorization',
  'NetAug',
  'NetAugOptions',
  'Objective',
  'Optimizer',
  'Part',
  'Phase',
  'ProgressiveShrinking',
  'Pruned',
  'QuantizationAware',
  'QuantizationAwareOptions',
  'RangeMode',
  'Redistribution',
  'RedistributionOptions',
  'Slot',
  'Space',
  'StructuredPruning',
  'SubNetwork',
  'Task',
  'TrainOptions',
  'TrainResult',
  'Windows',
  'distill',
  'elastic_space',
  'factorize',
  'footprint',
  'once_for_all',
  'prepare_adaptation',
  'prune',
  'read_anomalies',
  'read_images',
  'read_series',
  'recalibrate',
  'redistribute',
  'train',
]

_HOMES = {
  'Adapt': 'callbacks.adapt',
  'AdaptOptions': 'tflm_patch.on_device.simulation.adaptation',
  'AdaptiveThreshold': 'anomaly_adaptive',
  'AnomalyOptions': 'data.anomalies',
  'ArenaBudget': 'callbacks.arena_budget',
  'Augmentation': 'data.augmentation',
  'BudgetExceeded': 'callbacks.arena_budget',
  'Budgets': 'options',
  'DataOptions': 'run',
  'Dataset': 'data.dataset',
  'DistillationOptions': 'distillation',
  'ElasticModel': 'elastic.model',
  'ElasticOptions': 'elastic.model',
  'Elasticity': 'elastic.space',
  'EndAugmentation': 'net_aug',
  'FactorizeOptions': 'factorization.factorize',
  'Factorized': 'factorization.factorize',
  'Figures': 'redistribution.figures',
  'Int8Evaluation': 'callbacks.int8_evaluation',
  'LowRankFactorization': 'callbacks.low_rank_factorization',
  'NetAug': 'net_aug',
  'NetAugOptions': 'net_aug',
  'Objective': 'redistribution.options',
  'Optimizer': 'options',
  'Part': 'data.dataset',
  'Phase': 'callbacks.progressive_shrinking',
  'ProgressiveShrinking': 'callbacks.progressive_shrinking',
  'Pruned': 'pruning.prune',
  'QuantizationAware': 'quantization_aware',
  'QuantizationAwareOptions': 'quantization_aware',
  'RangeMode': 'quantization_aware',
  'Redistribution': 'redistribution.redistribute',
  'RedistributionOptions': 'redistribution.options',
  'Slot': 'elastic.model',
  'Space': 'elastic.space',
  'StructuredPruning': 'callbacks.structured_pruning',
  'SubNetwork': 'elastic.space',
  'Task': 'data.dataset',
  'TrainOptions': 'options',
  'TrainResult': 'result',
  'Windows': 'data.series',
  'distill': 'distillation',
  'elastic_space': 'elastic.space',
  'factorize': 'factorization.factorize',
  'footprint': 'measure',
  'once_for_all': 'callbacks.progressive_shrinking',
  'prepare_adaptation': 'preparation',
  'prune': 'pruning.prune',
  'read_anomalies': 'data.anomalies',
  'read_images': 'data.image_folder',
  'read_series': 'data.series',
  'recalibrate': 'elastic.weights',
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
  home = _HOMES[name] if _HOMES[name].startswith('tflm_patch.') else f'{__name__}.{_HOMES[name]}'
  value = getattr(importlib.import_module(home), name)
  globals()[name] = value
  return value
