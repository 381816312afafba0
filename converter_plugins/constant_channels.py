# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that are constant for every input, that nobody reads, or that equal others."""

from __future__ import annotations

from tflm_patch.channels import removal
from tflm_patch.channels.removal import Removal
from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph.types import Subgraph
from tflm_patch.planner.lowering.operators.macs import subgraph_macs


@register('constant_channels', priority=50, reads_weights=True)
class ConstantChannels:
  """Channels that are constant, unread or equal to others go; biases take the constants."""

  def match(self, graph: Subgraph, index: int, context: Context) -> Removal | None:
    """Looks at the whole graph, at its first operator."""
    del context
    return removal.find(graph) if index == 0 else None

  def transform(self, graph: Subgraph, match: Removal) -> str:
    """Removes the channels and what weighs them."""
    macs, size = subgraph_macs(graph), _constant_bytes(graph)
    removal.apply(match)
    saved = size - _constant_bytes(graph)
    return f'{match.summary}: MACs {macs:,} -> {subgraph_macs(graph):,}, {saved:,} bytes less'


def _constant_bytes(graph: Subgraph) -> int:
  read = {t for operator in graph.operators for t in operator.inputs if t >= 0}
  return sum(graph.tensors[t].bytes for t in read if graph.tensors[t].is_constant)
