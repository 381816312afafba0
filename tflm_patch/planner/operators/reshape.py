# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS: another name for the same bytes."""

from __future__ import annotations

from tflm_patch.planner.builder import StageBuilder
from tflm_patch.planner.operators import base
from tflm_patch.planner.operators.base import OpView
from tflm_patch.planner.shapes import feature_shape


def constraint_bytes_stay(op: OpView) -> str | None:
  """Input and output have the same type and number of values"""
  source, target = op.input(), op.output()
  if source.dtype != target.dtype or source.elements != target.elements:
    return f'{source.dtype.name} {list(source.shape)} to {target.dtype.name} {list(target.shape)}'
  return None


def constraint_rows_stay(op: OpView) -> str | None:
  """Rows, columns and channels stay, or only fully connected operators read the result"""
  source, target = feature_shape(op.input()), feature_shape(op.output())
  if source == target:
    return None
  tensor = op.operator.outputs[0]
  readers = [other for other in op.subgraph.operators if tensor in other.inputs]
  flattens = all(
      reader.opcode == 'FULLY_CONNECTED'
      and len(reader.inputs) > 1
      and reader.inputs[1] >= 0
      and len(op.subgraph.tensors[reader.inputs[1]].shape) == 2
      and op.subgraph.tensors[reader.inputs[1]].shape[1] == op.output().elements
      for reader in readers
  )
  if flattens:
    return None
  return f'{list(op.input().shape)} to {list(op.output().shape)}'


@base.register('EXPAND_DIMS', base.constraint_input_is_activation, constraint_bytes_stay,
               constraint_rows_stay)  # fmt: skip
@base.register('SQUEEZE', base.constraint_input_is_activation, constraint_bytes_stay,
               constraint_rows_stay)  # fmt: skip
@base.register('RESHAPE', base.constraint_input_is_activation, constraint_bytes_stay,
               constraint_rows_stay)  # fmt: skip
def lower(op: OpView, builder: StageBuilder) -> None:
  """Costs nothing: the bytes stay where they are"""
  builder.alias(op.operator.outputs[0], builder.read(op.operator.inputs[0]))
