# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a stage's operators have to do: shapes, multiply-accumulates, kernel calls."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tflm_patch.program.decode import Stage, decode
from tflm_patch.program.kinds import Shape, spec_of
from tflm_patch.program.records import Kind

_POINT = (1, 1)
_INT8 = (-128, 127)
_INT16 = (-32768, 32767)


@dataclasses.dataclass(frozen=True)
class OperatorWork:
  """An operator of a stage.

  Attributes:
    kind: Its kind.
    input, output: (rows, cols, channels) of its first input and output.
    kernel, stride, dilation: (rows, cols) of the window of a convolution or pool;
      (1, 1) for all others, and for pools that accumulate rows.
    clamped: Whether an activation bounds the output more than its type does.
    macs: Multiply-accumulates of an inference.
    calls: How often its kernel is called in an inference.
    tiles: Tiles of a BOTTLENECK, 0 for all others.
    scratch_bytes: Private memory that it gets.
  """

  kind: Kind
  input: Shape
  output: Shape
  kernel: tuple[int, int]
  stride: tuple[int, int]
  dilation: tuple[int, int]
  clamped: bool
  macs: int
  calls: int
  tiles: int
  scratch_bytes: int

  @property
  def base_kind(self) -> Kind:
    """The 8-bit kind of the same arithmetic."""
    return spec_of(self.kind).arithmetic

  @property
  def window(self) -> str:
    """Like '3x3/2'; '' for an operator without a window."""
    spec = spec_of(self.kind)
    if not spec.windowed or (self.kernel == _POINT and spec.arithmetic != Kind.CONV_2D):
      return ''
    stride = _text(self.stride) if self.stride[0] != self.stride[1] else str(self.stride[0])
    return _text(self.kernel) + (f'/{stride}' if self.stride != _POINT else '')

  @property
  def description(self) -> str:
    """Like 'CONV_2D 3x3/2 96x96x3 -> 48x48x8'."""
    shapes = f'{_text(self.input)} -> {_text(self.output)}'
    return ' '.join(filter(None, (self.kind.name, self.window, shapes)))


def work_of_program(data: bytes) -> list[OperatorWork]:
  """The operators of a program that `tflm_patch_validate` accepts."""
  return work_of_stage(decode(data, b''))


def work_of_stage(stage: Stage) -> list[OperatorWork]:
  """The operators of a program that was read."""
  calls = Counter(step.op for segment in stage.segments for step in segment if step.op is not None)
  return [
    operator_work(
      op.kind,
      op.params,
      (op.inputs[0].rows, op.inputs[0].cols, op.inputs[0].channels),
      (op.outputs[0].rows, op.outputs[0].cols, op.outputs[0].channels),
      calls[op.index],
      op.scratch_bytes,
    )
    for op in stage.ops
  ]


def operator_work(
  kind: Kind, params: Mapping[str, Any], source: Shape, made: Shape, calls: int, scratch_bytes: int
) -> OperatorWork:
  """An operator's work from the plain fields of its parameter record."""
  spec = spec_of(kind)
  kernel, stride, dilation = _POINT, _POINT, _POINT
  if spec.windowed and not params.get('accumulate'):
    kernel, stride, dilation = (_pair(params, name) for name in ('kernel', 'stride', 'dilation'))
  whole = _INT8 if spec.arithmetic == kind else _INT16
  prefix = 'requant.' if 'requant.act_min' in params else ''
  bounds = params.get(f'{prefix}act_min', whole[0]), params.get(f'{prefix}act_max', whole[1])
  tiles = made[0] * -(-made[1] // params['tile_cols']) if kind == Kind.BOTTLENECK else 0
  return OperatorWork(
    kind=kind,
    input=source,
    output=made,
    kernel=kernel,
    stride=stride,
    dilation=dilation,
    clamped=bounds != whole,
    macs=0 if spec.macs is None else spec.macs(params, source, made),
    calls=calls,
    tiles=tiles,
    scratch_bytes=scratch_bytes,
  )


def _pair(params: Mapping[str, Any], name: str) -> tuple[int, int]:
  return params[f'window.{name}_h'], params[f'window.{name}_w']


def _text(sizes: tuple[int, ...]) -> str:
  return 'x'.join(map(str, sizes))
