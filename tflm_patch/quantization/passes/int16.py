# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What TFLM does not compute with int16 activations."""

from __future__ import annotations

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.activation import HardSwish
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.base import Clamp
from tflm_patch.quantization.operators.binary import Mul


def prepare_int16(network: Network) -> None:
  """Writes HARD_SWISH as x * hard_sigmoid(x).

  Raises:
    TflmPatchError: an operator that TFLM computes in int8 only, and no others replace.
  """
  for node in list(network.nodes):
    if isinstance(node.operation, HardSwish):
      _split_hard_swish(network, node)
    elif not node.operation.int16:
      raise TflmPatchError(
        f'"{node.name}": TFLM has no {node.operation.opcode} of int16 activations; use int8, '
        f'or another layer'
      )


def _split_hard_swish(network: Network, node: Node) -> None:
  channels = np.ones(node.input.channels)
  gate = Value(node.input.shape, f'{node.name}/gate')
  affine = Affine(channels / 6, channels / 2, clamp=Clamp(0.0, 1.0))
  network.insert_before(node, [Node(affine, node.inputs, gate, gate.name)])
  node.operation, node.inputs = Mul(), (node.input, gate)
