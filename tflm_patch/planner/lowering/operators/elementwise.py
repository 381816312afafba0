# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators with two broadcast inputs share: rules, lowering."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.graph.types import DType, Quantization, Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import Params
from tflm_patch.program.records import Kind


@base.of_types(DType.INT8)
def constraint_two_int8_inputs(op: OpView) -> str | None:
  """Both inputs and the output are int8 with one scale and zero point"""
  return _two_inputs(op, base.quantized_int8)


@base.of_types(DType.INT8, DType.INT16)
def constraint_two_integer_inputs(op: OpView) -> str | None:
  """Both inputs and the output are int8, or all int16, with one scale and zero point"""
  is_int16 = op.input().dtype == DType.INT16
  return _two_inputs(op, base.quantized_int16 if is_int16 else base.quantized_int8)


def _two_inputs(op: OpView, fits: Callable[[Tensor], bool]) -> str | None:
  if not op.has_input(1):
    return 'one input'
  for tensor in (op.input(0), op.input(1), op.output()):
    if not fits(tensor):
      return f'"{tensor.name}" is {tensor.dtype.name}'
    if tensor.is_constant and not _is_stored_plain(tensor):
      return f'"{tensor.name}" is stored compressed'
  if op.input(0).is_constant and op.input(1).is_constant:
    return 'both inputs are constants'
  return None


def _is_stored_plain(tensor: Tensor) -> bool:
  plain = tensor.elements * (tensor.dtype.bytes or 0)
  return tensor.data is not None and tensor.data.size == plain


def constraint_broadcast(op: OpView) -> str | None:
  """The output has the inputs' shapes broadcast, at equal rank but for vectors and constants"""
  target = feature_shape(op.output())
  shapes = [_shape(op, i) for i in (0, 1)]
  sides = ' and '.join(str(list(op.input(i).shape)) for i in (0, 1))
  if None in shapes or target is None:
    return f'{sides} to {list(op.output().shape)}'
  for a, b, size in zip(shapes[0] or (), shapes[1] or (), target):
    if size != max(a, b) or a not in (1, size) or b not in (1, size):
      return f'{sides} to {list(op.output().shape)}'
  return None


def _shape(op: OpView, i: int) -> tuple[int, int, int] | None:
  """An input's shape as a map to broadcast, None when it cannot be."""
  tensor, rank = op.input(i), len(op.output().shape)
  missing = rank - len(tensor.shape)
  if tensor.is_constant and missing > 0:
    tensor = dataclasses.replace(tensor, shape=(1,) * missing + tensor.shape)
  if len(tensor.shape) != rank and len(tensor.shape) > 1:
    return None
  return feature_shape(tensor)


def _read(op: OpView, builder: StageBuilder, i: int) -> int:
  index, shape = op.operator.inputs[i], _shape(op, i)
  if shape is None or not op.input(i).is_constant or shape == feature_shape(op.input(i)):
    return builder.read(index)
  return builder.read_constant(index, shape)


def quantizations(op: OpView) -> tuple[Quantization, Quantization, Quantization]:
  """Of both inputs and the output."""
  first, second, out = (tensor.quantization for tensor in (op.input(0), op.input(1), op.output()))
  assert first is not None and second is not None and out is not None
  return first, second, out


def lower(op: OpView, builder: StageBuilder, kind: Kind, params: Params | None = None) -> None:
  """Appends an operator; its output may lie over an input of its shape, value by value."""
  sources = [_read(op, builder, i) for i in (0, 1)]
  target = builder.make(op.operator.outputs[0])
  out = builder.map(target)
  maps = [builder.map(source) for source in sources]
  shape = out.rows, out.cols, out.channels
  builder.add(
    op,
    StageOp(
      kind=kind,
      inputs=tuple(sources),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=tuple(rows.same_row(out.rows, m.rows) for m in maps),
      params=params,
      in_place=tuple(
        InPlace(k) for k, m in enumerate(maps) if (m.rows, m.cols, m.channels) == shape
      ),
    ),
  )
