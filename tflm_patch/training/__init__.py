# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What happens to models before they are converted.

Redistribution of receptive fields, and quantization-aware training, which needs Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tflm_patch.training.redistribution.figures import Figures
from tflm_patch.training.redistribution.options import Objective, RedistributionOptions
from tflm_patch.training.redistribution.redistribute import Redistribution, redistribute

if TYPE_CHECKING:
  from tflm_patch.training.quantization_aware import (
    QuantizationAware,
    QuantizationAwareOptions,
    RangeMode,
  )

__all__ = [
  'Figures',
  'Objective',
  'QuantizationAware',
  'QuantizationAwareOptions',
  'RangeMode',
  'Redistribution',
  'RedistributionOptions',
  'redistribute',
]

# What needs Keras is imported when it is asked for.
_HOMES = dict.fromkeys(
  ('QuantizationAware', 'QuantizationAwareOptions', 'RangeMode'), 'quantization_aware'
)


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
