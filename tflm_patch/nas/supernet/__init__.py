# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A supernet: one training for all networks of a search space, which share their weights.

from tflm_patch.nas import supernet
made = supernet.Supernet(space)
supernet.train_supernet(made, dataset)
accuracies = supernet.InheritedAccuracy(made, dataset).evaluate(specs)
model = made.extract(spec, samples)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.nas.supernet.engine import Loss
  from tflm_patch.nas.supernet.few_shot import FewShotAccuracy, split
  from tflm_patch.nas.supernet.fitness import InheritedAccuracy
  from tflm_patch.nas.supernet.options import SupernetOptions
  from tflm_patch.nas.supernet.shared_space import Candidate, SharedSpace
  from tflm_patch.nas.supernet.supernet import Supernet
  from tflm_patch.nas.supernet.training import SupernetTraining, train_supernet

__all__ = [
  'Candidate',
  'FewShotAccuracy',
  'InheritedAccuracy',
  'Loss',
  'SharedSpace',
  'Supernet',
  'SupernetOptions',
  'SupernetTraining',
  'split',
  'train_supernet',
]

_HOMES = {
  'Candidate': 'shared_space',
  'FewShotAccuracy': 'few_shot',
  'InheritedAccuracy': 'fitness',
  'Loss': 'engine',
  'SharedSpace': 'shared_space',
  'Supernet': 'supernet',
  'SupernetOptions': 'options',
  'SupernetTraining': 'training',
  'split': 'few_shot',
  'train_supernet': 'training',
}
_NEED_NO_KERAS = ('options', 'shared_space')


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  if _HOMES[name] not in _NEED_NO_KERAS:
    from tflm_patch.quantization.model_io import require_keras

    require_keras()
  value = getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
  globals()[name] = value
  return value
