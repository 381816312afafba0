# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of what takes values or rows from elsewhere in a map."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import Array, array_of, constant, i32, nested, structure, u32
from tflm_patch.program.params.base import Params, Requant


@structure('tflm_patch_permute_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PermuteParams(Params):
  """PERMUTE. Unless the rows stay (order[0] is 0), every step reads all input rows."""

  order: tuple[int, int, int] = array_of(
    'B', 3, "0 rows, 1 columns, 2 channels of the input: the output's rows, columns, channels"
  )


@structure('tflm_patch_gather_params')
@dataclasses.dataclass(frozen=True, eq=False)
class GatherParams(Params):
  """GATHER: every output row, column and channel is one of the input's.

  The tables are uint16[out rows][3], the input row and the first and the last of those that
  the step counts as read, of which neither decreases; uint16[out cols]; uint16[out channels].
  One that is TFLM_PATCH_NONE says that all stay.
  """

  rows: Array | None = constant('row_at', '<u2', optional=True)
  cols: Array | None = constant('col_at', '<u2', optional=True)
  channels: Array | None = constant('channel_at', '<u2', optional=True)


@structure('tflm_patch_neighbours_params')
@dataclasses.dataclass(frozen=True, eq=False)
class NeighboursParams(Params):
  """NEIGHBOURS: output row r is a weighted sum of some input rows, value by value.

  They are those of entries starts[r] .. starts[r + 1] - 1; nodes[i] is the input row, and
  weights[i] - weights_zero_point what it is multiplied by. The bias of row r already holds
  -input_zero_point * sum(weights[i] - weights_zero_point). The requantization's channels are
  the output's rows. spans[r] are the first and the last row that step r counts as read, of
  which neither decreases.
  """

  requant: Requant = nested(Requant)
  bias: Array | None = constant('bias_at', '<i4', 'int32[rows]')
  starts: Array | None = constant('starts_at', '<u4', 'uint32[rows + 1]')
  nodes: Array | None = constant('nodes_at', '<u2', 'uint16[connections]')
  weights: Array | None = constant('weights_at', 'i1', 'int8[connections]', 1)
  spans: Array | None = constant('spans_at', '<u2', 'uint16[rows][2]')
  connections: int = u32()
  weights_zero_point: int = i32()


@structure('tflm_patch_node_order_params')
@dataclasses.dataclass(frozen=True, eq=False)
class NodeOrderParams(Params):
  """NODE_ORDER: the same rows in another order, by exchanges in the memory of a whole map.

  Step r without `back` makes output row r of input row exchanges[r] >= r, whose place input row r
  then takes: the input is used up. With `back` it puts input row r to output row
  exchanges[r] <= r; what was there becomes output row r, and only the last step leaves all rows
  at their places.
  """

  exchanges: Array | None = constant('exchanges_at', '<u2', 'uint16[rows]')
  back: int = u32()
