# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds small quantized models, an operator a call.

builder = ModelBuilder(seed=1)
x = builder.input((1, 8, 8, 3))
x = builder.conv(x, 16, stride=2, activation='RELU6')
builder.output(builder.softmax(builder.fully_connected(x, 10)))
data = builder.build()
"""

from __future__ import annotations

from support.elementwise_ops import ElementwiseOps
from support.neighbour_ops import NeighbourOps
from support.recurrent_ops import RecurrentOps
from support.shape_ops import ShapeOps
from support.weighted_ops import WeightedOps


class ModelBuilder(WeightedOps, ElementwiseOps, ShapeOps, RecurrentOps, NeighbourOps):
  """All operators of the builder; see `ModelCore` for the arguments."""
