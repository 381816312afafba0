# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows with rows and columns of zeros at their borders."""

from __future__ import annotations

from tflm_patch.channels import taps
from tflm_patch.channels.taps import Trim
from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph.types import Subgraph


@register('zero_taps', priority=55, reads_weights=True)
class ZeroTaps:
  """Rows and columns of a convolution's window whose weights are all zero go."""

  def match(self, graph: Subgraph, index: int, context: Context) -> Trim | None:
    """A convolution of which a smaller window lies at the same places."""
    del context
    return taps.find(graph, index)

  def transform(self, graph: Subgraph, match: Trim) -> str:
    """Makes the window smaller."""
    before = taps.apply(graph, match)
    weights = graph.operators[match.index].inputs[1]
    old, new = (graph.tensors[t].shape[1:3] for t in (before.inputs[1], weights))
    return f'{before.opcode} {old[0]}x{old[1]} became {new[0]}x{new[1]}, the rest is zeros'
