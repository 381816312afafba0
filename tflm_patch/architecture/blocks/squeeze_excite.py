# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Squeeze-and-excite, a part of other blocks (arXiv 1709.01507)."""

from __future__ import annotations

from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Activation


def squeeze_excite(builder: LayerBuilder, x: int, channels: int) -> int:
  """Scales the channels of x by a gate made from their means.

  Args:
    builder: Where the layers go.
    x: The value.
    channels: Between the two pointwise convolutions of the gate.
  """
  gate = builder.mean(x, keep_dims=True)
  gate = builder.conv(gate, channels, activation=Activation.RELU)
  gate = builder.conv(gate, builder.channels(x), activation=Activation.LOGISTIC)
  return builder.multiply(x, gate)
