# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras models for microcontrollers: architectures from specs, and small learners as layers.

from tflm_patch import models
model = models.build('mobilenet_v2:0.35:96:10')

Needs Keras 3 and one of its backends; nothing here uses more of Keras than its layers
and `keras.ops`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.models.builder import BuildOptions, build, layer_names, spec_of
  from tflm_patch.models.layers.bonsai import Bonsai, RoutingSchedule
  from tflm_patch.models.layers.graph import GraphConvolution, normalized_adjacency
  from tflm_patch.models.layers.proto_nn import ProtoNN
  from tflm_patch.models.layers.recurrent import FastGRNN, FastRNN
  from tflm_patch.models.layers.rnn_pool import RNNPool
  from tflm_patch.models.sparsity import HardThresholding

__all__ = [
  'Bonsai',
  'BuildOptions',
  'FastGRNN',
  'FastRNN',
  'GraphConvolution',
  'HardThresholding',
  'ProtoNN',
  'RNNPool',
  'RoutingSchedule',
  'build',
  'layer_names',
  'normalized_adjacency',
  'spec_of',
]

_HOMES = {
  'Bonsai': 'layers.bonsai',
  'BuildOptions': 'builder',
  'FastGRNN': 'layers.recurrent',
  'FastRNN': 'layers.recurrent',
  'GraphConvolution': 'layers.graph',
  'HardThresholding': 'sparsity',
  'ProtoNN': 'layers.proto_nn',
  'RNNPool': 'layers.rnn_pool',
  'RoutingSchedule': 'layers.bonsai',
  'build': 'builder',
  'layer_names': 'builder',
  'normalized_adjacency': 'layers.graph',
  'spec_of': 'builder',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  from tflm_patch.quantization.model_io import require_keras

  require_keras()
  value = getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)
  globals()[name] = value
  return value


def register_layers() -> None:
  """Makes files of Keras that hold layers of this package load; Keras must be installed."""
  for home in {home for home in _HOMES.values() if home.startswith('layers.')}:
    importlib.import_module(f'{__name__}.{home}')
