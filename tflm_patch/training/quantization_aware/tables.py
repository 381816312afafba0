# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables of TFLM's kernels for the nodes of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.program.params import LookupParams, ResizeParams, SoftmaxParams
from tflm_patch.quantization.exact.kinds.registry import array
from tflm_patch.quantization.exact.network import lowered
from tflm_patch.quantization.network import Network, Node

ENTRIES = 256


def kernel_tables(network: Network, graph: Model) -> dict[Node, np.ndarray]:
  """int32[256] of every node whose kernel works by one.

  Args:
    network: Its nodes.
    graph: What the writer made of them: one operator a node.
  """
  found = {}
  for node, params in _params(network, graph):
    if isinstance(params, LookupParams):
      found[node] = array(params.table).astype(np.uint8).view(np.int8).astype(np.int32)
      found[node] = np.roll(found[node], ENTRIES // 2)  # by the value + 128
    elif isinstance(params, SoftmaxParams):
      table = np.zeros(ENTRIES, np.int32)
      values = array(params.exp_table)
      table[: len(values)] = values
      found[node] = table
  return found


def resize_positions(network: Network, graph: Model) -> dict[Node, tuple[np.ndarray, np.ndarray]]:
  """What RESIZE_BILINEAR reads, by node."""
  return {
    node: (array(params.rows), array(params.cols))
    for node, params in _params(network, graph)
    if isinstance(params, ResizeParams) and node.operation.opcode == 'RESIZE_BILINEAR'
  }


def _params(network: Network, graph: Model) -> Sequence[tuple[Node, Any]]:
  assert len(network.nodes) == len(graph.main.operators)
  pairs = []
  for index, node in enumerate(network.nodes):
    lowered_graph = _lowered(graph, index)
    if lowered_graph is not None:
      pairs.append((node, lowered_graph.ops[0].params))
  return pairs


def _lowered(graph: Model, index: int) -> StageGraph | None:
  try:
    return lowered(graph, index)
  except TflmPatchError:
    return None  # what no stage can hold has no table either
