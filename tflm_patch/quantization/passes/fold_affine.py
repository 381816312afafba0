# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Batch normalization and rescaling become part of the convolution before or after."""

from __future__ import annotations

from tflm_patch.quantization.network import Network, Node
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.base import NO_CLAMP


def fold_affine(network: Network) -> bool:
  """Folds every affine that can be; whether there was one."""
  found = [node for node in network.nodes if isinstance(node.operation, Affine)]
  folded = [_fold(network, node) for node in found]
  return any(folded)


def _fold(network: Network, node: Node) -> bool:
  return (
    _is_identity(network, node) or _into_producer(network, node) or _into_consumer(network, node)
  )


def _is_identity(network: Network, node: Node) -> bool:
  operation = node.operation
  assert isinstance(operation, Affine)
  if operation.clamp != NO_CLAMP or any(operation.scale != 1) or any(operation.shift != 0):
    return False
  if any(node.output is value for value in network.outputs):
    return False
  network.remove(node)
  return True


def _into_producer(network: Network, node: Node) -> bool:
  operation = node.operation
  assert isinstance(operation, Affine)
  before = network.producer(node.input)
  if before is None or network.only_consumer(node.input) is not node:
    return False
  combined = before.operation.then_affine(operation.scale, operation.shift)
  if combined is None:
    return False
  if operation.clamp != NO_CLAMP:
    combined = combined.clamped(operation.clamp)
  before.operation = combined
  before.output = node.output
  network.nodes.remove(node)
  return True


def _into_consumer(network: Network, node: Node) -> bool:
  operation = node.operation
  assert isinstance(operation, Affine)
  after = network.only_consumer(node.output)
  if after is None or operation.clamp != NO_CLAMP:
    return False
  combined = after.operation.after_affine(operation.scale, operation.shift)
  if combined is None:
    return False
  after.operation = combined
  network.remove(node)
  return True
