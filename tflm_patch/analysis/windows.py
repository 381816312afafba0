# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which input positions an operator reads for an output position, in rows and in columns.

Operators that a stage can hold say so themselves, see `OperatorSpec.reads`; of others this
module knows those that work position by position.
"""

from __future__ import annotations

from tflm_patch.graph.types import Tensor
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.lowering.operators import REGISTRY, cells, transpose
from tflm_patch.planner.lowering.operators.base import WHOLE, CellReads, OpView, Reads

# Other operators that compute a position from the same position of their inputs.
_STOCK_POINTWISE = frozenset(
  {
    'CAST',
    'CEIL',
    'COS',
    'DIV',
    'EQUAL',
    'EXP',
    'FLOOR',
    'FLOOR_DIV',
    'FLOOR_MOD',
    'GELU',
    'GREATER',
    'GREATER_EQUAL',
    'L2_NORMALIZATION',
    'LESS',
    'LESS_EQUAL',
    'LOG',
    'LOGICAL_AND',
    'LOGICAL_NOT',
    'LOGICAL_OR',
    'LOG_SOFTMAX',
    'NEG',
    'NOT_EQUAL',
    'RELU_N1_TO_1',
    'ROUND',
    'SELECT_V2',
    'SIN',
    'SQRT',
    'SQUARE',
    'SQUARED_DIFFERENCE',
  }
)
POINTWISE = _STOCK_POINTWISE | {
  opcode for opcode, spec in REGISTRY.items() if spec.reads is cells.pointwise
}


def spatial_shape(op: OpView, tensor: Tensor) -> tuple[int, int, int] | None:
  """Rows, columns and channels of a tensor as an operator sees them.

  The operand of a TRANSPOSE from NCHW is an image, though its memory is not.
  """
  shape = feature_shape(tensor)
  is_transpose = op.operator.opcode == 'TRANSPOSE'
  if is_transpose and tensor is op.input() and transpose.is_from_nchw(op):
    return tensor.shape[2], tensor.shape[3], tensor.shape[1]
  return shape


def windows(op: OpView) -> dict[int, CellReads]:
  """Tensor index of each computed input -> how the outputs read it.

  An operator that is not known reads all of its inputs.
  """
  activations = [i for i in op.operator.inputs if i >= 0 and not op.subgraph.tensors[i].is_constant]
  opcode = op.operator.opcode
  reads: Reads = cells.pointwise if opcode in _STOCK_POINTWISE else cells.whole
  if opcode in REGISTRY:
    reads = REGISTRY[opcode].reads
  if not op.operator.outputs or min(op.operator.outputs) < 0:
    return dict.fromkeys(activations, WHOLE)
  return {i: reads(op, op.subgraph.tensors[i]) for i in activations}
