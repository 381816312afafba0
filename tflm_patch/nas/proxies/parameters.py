# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The number of weights: the plainest proxy, which few others beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.layers import Layer, Value
from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort


class Parameters:
  """Weights and biases of the int8 network.

  Args:
    data: Not looked at.
  """

  def __init__(self, data: SearchData | None = None) -> None:
    del data

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> list[float]:
    """See `Fitness`."""
    del budget
    return [float(_parameters(spec)) for spec in specs]


def _parameters(spec: Spec) -> int:
  network = network_of(spec)
  values = network.values()
  found = 0
  for layer in network.layers():
    taps = taps_of(layer, values[layer.inputs[0]])
    found += (taps + 1) * layer.output.channels if taps else 0
  return found


def taps_of(layer: Layer, source: Value) -> int:
  """Weights that an output value of a layer depends on; 0 for a layer without weights."""
  window = layer.kernel[0] * layer.kernel[1]
  if layer.opcode == 'CONV_2D':
    return window * source.channels
  if layer.opcode == 'DEPTHWISE_CONV_2D':
    return window
  return int(np.prod(source.shape)) if layer.opcode == 'FULLY_CONNECTED' else 0
