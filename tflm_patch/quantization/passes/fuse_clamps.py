# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RELU and its relatives become part of the operation before."""

from __future__ import annotations

from tflm_patch.quantization.network import Network, Node
from tflm_patch.quantization.operators.clamp import ClampOnly


def fuse_clamps(network: Network) -> bool:
  """Fuses every clamp that can be; whether there was one."""
  found = [node for node in network.nodes if isinstance(node.operation, ClampOnly)]
  fused = [_fuse(network, node) for node in found]
  return any(fused)


def _fuse(network: Network, node: Node) -> bool:
  before = network.producer(node.input)
  if before is None or network.only_consumer(node.input) is not node:
    return False
  operation = before.operation
  if not operation.fuses_clamp:
    return False
  combined = operation.clamped(node.operation.limits)
  # The range of a pool is its input's: it cannot end at the limits.
  if operation.shares_scale and combined.limits.by_range:
    return False
  before.operation = combined
  before.output = node.output
  network.nodes.remove(node)
  return True
