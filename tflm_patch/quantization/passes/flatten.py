# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED takes a whole map as a vector: no RESHAPE is needed before it."""

from __future__ import annotations

from tflm_patch.quantization.network import Network, Node
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.reshape import Reshape


def drop_flattening(network: Network) -> bool:
  """Lets dense layers read maps; whether there was one that did not."""
  found = [node for node in network.nodes if isinstance(node.operation, FullyConnected)]
  dropped = [_drop(network, node) for node in found]
  return any(dropped)


def _drop(network: Network, node: Node) -> bool:
  before = network.producer(node.input)
  if before is None or not isinstance(before.operation, Reshape):
    return False
  node.inputs = before.inputs
  network.drop_unused()
  return True
