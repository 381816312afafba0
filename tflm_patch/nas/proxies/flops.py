# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The work of a network: within a memory limit more of it tends to be better (TinyNAS)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Spec
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.proxies.parameters import taps_of


class Flops:
  """Floating-point operations of an inference: two for each multiply-accumulate.

  Args:
    data: Not looked at.
  """

  def __init__(self, data: SearchData | None = None) -> None:
    del data

  def evaluate(self, specs: Sequence[Spec], budget: Effort) -> list[float]:
    """See `Fitness`."""
    del budget
    return [2.0 * macs_of(spec) for spec in specs]


def macs_of(spec: Spec) -> int:
  """Multiply-accumulates of the layers with weights.

  Raises:
    SpecError: the spec cannot exist.
  """
  network = network_of(spec)
  values = network.values()
  return sum(
    taps_of(layer, values[layer.inputs[0]]) * int(np.prod(layer.output.shape))
    for layer in network.layers()
  )
