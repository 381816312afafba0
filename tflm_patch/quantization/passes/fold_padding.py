# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Zeros around a map that SAME padding would add become SAME padding."""

from __future__ import annotations

import dataclasses

from tflm_patch.quantization.network import Network, Node
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.pad import Pad


def fold_padding(network: Network) -> bool:
  """Folds every PAD that can be; whether there was one."""
  found = [node for node in network.nodes if isinstance(node.operation, Pad)]
  folded = [_fold(network, node) for node in found]
  return any(folded)


def _fold(network: Network, node: Node) -> bool:
  operation = node.operation
  after = network.only_consumer(node.output)
  if after is None or not isinstance(after.operation, (Conv2D, DepthwiseConv2D)):
    return False
  assert isinstance(operation, Pad)
  window = dataclasses.replace(after.operation.window, same=True)
  if after.operation.window.same or operation.padding[3] != (0, 0):
    return False
  wanted = tuple(window.same_padding(axis, node.input.shape[1 + axis]) for axis in (0, 1))
  if operation.padding[1:3] != wanted:
    return False
  after.operation = dataclasses.replace(after.operation, window=window)
  network.remove(node)
  return True
