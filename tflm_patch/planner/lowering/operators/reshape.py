# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS: another name for the same bytes, or other rows of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program


@base.of_types(DType.FLOAT32, DType.INT8, DType.INT16, DType.UINT8, DType.INT32)
def constraint_bytes_stay(op: OpView) -> str | None:
  """Input and output have the same type and number of values"""
  source, target = op.input(), op.output()
  if source.dtype != target.dtype or source.elements != target.elements:
    return f'{source.dtype.name} {list(source.shape)} to {target.dtype.name} {list(target.shape)}'
  return None


def constraint_quantization_stays(op: OpView) -> str | None:
  """Input and output do not differ in quantization"""
  if op.input().quantization is None or op.output().quantization is None:
    return None
  return base.constraint_same_quantization(op)


def _is_flattened(op: OpView) -> bool:
  """Whether fully connected operators alone read the result, as one vector."""
  tensor = op.operator.outputs[0]
  readers = [other for other in op.subgraph.operators if tensor in other.inputs]
  return all(
    reader.opcode == 'FULLY_CONNECTED'
    and len(reader.inputs) > 1
    and reader.inputs[1] >= 0
    and len(op.subgraph.tensors[reader.inputs[1]].shape) == 2
    and op.subgraph.tensors[reader.inputs[1]].shape[1] == op.output().elements
    for reader in readers
  )


def _reads_alone(op: OpView) -> bool:
  """Whether no other operator, and no output of the model, is the input."""
  tensor = op.operator.inputs[0]
  others = sum(tensor in other.inputs for other in op.subgraph.operators)
  return others == 1 and tensor not in op.subgraph.outputs


def append(op: OpView, builder: StageBuilder, source: int, target: int) -> None:
  """Appends a copy of a map's values into the rows of another one."""
  input_map, output_map = builder.map(source), builder.map(target)
  reads = rows.reshaped_rows(
    output_map.rows,
    output_map.cols * output_map.channels,
    input_map.rows,
    input_map.cols * input_map.channels,
  )
  builder.add(
    op,
    StageOp(
      kind=program.Kind.RESHAPE,
      inputs=(source,),
      outputs=(target,),
      steps=output_map.rows,
      reads=(reads,),
    ),
    moves=True,
  )


def read_as(op: OpView, builder: StageBuilder, tensor: int, shape: tuple[int, int, int]) -> int:
  """A tensor that is read, as a map of another shape: a copy where it must be one."""
  if builder.shape_of(tensor) == shape:
    return builder.read(tensor)
  if builder.is_constant(tensor):
    return builder.read_constant(tensor, shape)
  source, target = builder.read(tensor), builder.temporary(tensor, shape)
  append(op, builder, source, target)
  return target


def make_as(op: OpView, builder: StageBuilder, tensor: int, shape: tuple[int, int, int]) -> Made:
  """A tensor that is made as a map of another shape."""
  if builder.shape_of(tensor) == shape:
    return Made(builder.make(tensor), lambda: None)
  source = builder.temporary(tensor, shape)
  return Made(source, lambda: append(op, builder, source, builder.make(tensor)))


@dataclasses.dataclass(frozen=True)
class Made:
  """A map that an operator makes.

  Attributes:
    map: Its index.
    finish: To be called once the operator is appended: it becomes the tensor.
  """

  map: int
  finish: Callable[[], None]


_RULES = (base.constraint_input_is_activation, constraint_bytes_stay, constraint_quantization_stays)


@base.register('EXPAND_DIMS', *_RULES, reads=cells.renamed)
@base.register('SQUEEZE', *_RULES, reads=cells.renamed)
@base.register('RESHAPE', *_RULES, reads=cells.renamed)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Costs nothing where rows stay, or where an input or FULLY_CONNECTED is read; else a copy"""
  source_tensor, target_tensor = op.operator.inputs[0], op.operator.outputs[0]
  shape = feature_shape(op.output())
  assert shape is not None
  if feature_shape(op.input()) == shape or _is_flattened(op):
    builder.alias(target_tensor, builder.read(source_tensor))
    return
  if not builder.knows(source_tensor) and _reads_alone(op):
    builder.alias(target_tensor, builder.read_as(source_tensor, shape))
    return
  append(op, builder, builder.read(source_tensor), builder.make(target_tensor))
