# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Lines about graphs in stages."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.conversion.neighbourhoods import Neighbourhood


def graph_lines(found: Sequence[Neighbourhood]) -> list[str]:
  """A line for each sum over neighbours."""
  return [
    f'{each.operator}: neighbours of {each.sums:,} nodes, {each.connections:,} connections in '
    f'{each.sparse_bytes:,} bytes of flash (dense {each.dense_bytes:,}), bandwidth '
    f'{each.bandwidth:,}, {each.rows_held:,} of {each.nodes:,} nodes held'
    f'{", in an order of the planner" if each.reordered else ""}'
    for each in found
  ]
