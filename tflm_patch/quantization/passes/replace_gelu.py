# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""x * sigmoid(1.702 x) for GELU (Hendrycks and Gimpel, arXiv 1606.08415)."""

from __future__ import annotations

import numpy as np

from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.activation import Gelu, Logistic
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.binary import Mul

_SLOPE = 1.702


def replace_gelu(network: Network) -> bool:
  """Puts three nodes for every GELU; values change, so the network is compared before."""
  found = [node for node in network.nodes if isinstance(node.operation, Gelu)]
  for node in found:
    x = node.input
    steeper, gate = (Value(x.shape, f'{node.name}/{part}') for part in ('steeper', 'gate'))
    slopes = np.full(x.channels, _SLOPE)
    network.insert_before(
      node,
      [
        Node(Affine(slopes, np.zeros(x.channels)), (x,), steeper, steeper.name),
        Node(Logistic(), (steeper,), gate, gate.name),
      ],
    )
    node.operation, node.inputs = Mul(), (x, gate)
  return bool(found)
