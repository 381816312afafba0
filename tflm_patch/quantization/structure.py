# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The int8 graph of a network whose weights and ranges do not matter yet.

What a plan needs depends on shapes, and hardly on scales: ranges are drawn at random
within what activations allow, weights are random, as those of trained networks are all
different. (Constants that are equal, like the biases of an untrained network, would be
stored once.)
"""

from __future__ import annotations

import math

import numpy as np

from tflm_patch.architecture.graph_builder import with_random_weights
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.quantization.emission import Emitter
from tflm_patch.quantization.network import Network, Value
from tflm_patch.quantization.operators.activation import Rsqrt
from tflm_patch.quantization.operators.base import NO_CLAMP, Clamp
from tflm_patch.quantization.options import DEFAULT, QuantizeOptions
from tflm_patch.quantization.passes import run_passes
from tflm_patch.quantization.ranges import Range
from tflm_patch.quantization.scales import assign_scales

_DEVIATION = 0.7  # of the logarithm of a range
_WIDTH = 6.0
_POSITIVE = Clamp(low=0.0)


def structural_graph(network: Network, options: QuantizeOptions = DEFAULT, seed: int = 0) -> Model:
  """The graph that quantizing a trained model of this structure gives, but for its values.

  Args:
    network: As captured; edited.
    options: Of the quantization.
    seed: Of ranges and weights.
  """
  run_passes(network, options.dtype)
  scales = assign_scales(network, _ranges(network, np.random.default_rng(seed)), options.dtype)
  graph = with_random_weights(Emitter(network, scales, options).run(), seed)
  return parse_model(serialize_model(graph))


def _ranges(network: Network, rng: np.random.Generator) -> dict[Value, Range]:
  # A root is taken of nothing below 0: a stage holds it where the range begins there.
  roots = {node.input for node in network.nodes if isinstance(node.operation, Rsqrt)}
  found = {value: _range(rng, NO_CLAMP) for value in network.inputs}
  for node in network.nodes:
    limits = node.operation.limits
    found[node.output] = _range(rng, limits.within(_POSITIVE) if node.output in roots else limits)
    for value in node.inputs:
      if value.constant is not None:
        found[value] = Range.of(float(value.constant.min()), float(value.constant.max()))
  return found


def _range(rng: np.random.Generator, limits: Clamp) -> Range:
  low, high = (
    -_WIDTH * math.exp(rng.normal(0.0, _DEVIATION)),
    _WIDTH * math.exp(rng.normal(0.0, _DEVIATION)),
  )
  return Range.of(max(low, limits.low), min(high, limits.high))
