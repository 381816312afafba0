# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a stage's operators have to do: shapes, multiply-accumulates, kernel calls."""

from __future__ import annotations

import dataclasses
from collections import Counter

from tflm_patch.planner import program
from tflm_patch.planner.constants import ConstantPool
from tflm_patch.planner.plan import StagePlan
from tflm_patch.planner.program import Kind, Record
from tflm_patch.planner.stage_ir import FeatureMap

Shape = tuple[int, int, int]

_WINDOWED: dict[int, Record] = {
    Kind.CONV_2D: program.CONV,
    Kind.DEPTHWISE_CONV_2D: program.DEPTHWISE,
    Kind.AVERAGE_POOL_2D: program.POOL,
    Kind.MAX_POOL_2D: program.POOL,
}
_RECORDS = {
    **_WINDOWED,
    Kind.FULLY_CONNECTED: program.FULLY_CONNECTED,
    Kind.TRANSPOSE_CONV: program.TRANSPOSE_CONV,
    Kind.ADD: program.ADD,
    Kind.SUB: program.ADD,
    Kind.MUL: program.MUL,
}
_POINT = (1, 1)
_INT8 = (-128, 127)


@dataclasses.dataclass(frozen=True)
class OperatorWork:
  """An operator of a stage.

  Attributes:
    kind: Its kind.
    input, output: (rows, cols, channels) of its first input and output.
    kernel, stride, dilation: (rows, cols) of the window of a convolution or pool;
      (1, 1) for all others, and for pools that accumulate rows.
    clamped: Whether an activation bounds the output more than int8 does.
    macs: Multiply-accumulates of an inference.
    calls: How often its kernel is called in an inference.
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

  @property
  def window(self) -> str:
    """Like '3x3/2'; '' for an operator without a window."""
    if self.kind not in _WINDOWED or (self.kernel == _POINT and self.kind != Kind.CONV_2D):
      return ''
    stride = _text(self.stride) if self.stride[0] != self.stride[1] else str(self.stride[0])
    return _text(self.kernel) + (f'/{stride}' if self.stride != _POINT else '')

  @property
  def description(self) -> str:
    """Like 'CONV_2D 3x3/2 96x96x3 -> 48x48x8'."""
    shapes = f'{_text(self.input)} -> {_text(self.output)}'
    return ' '.join(filter(None, (self.kind.name, self.window, shapes)))


def work_of_plan(plan: StagePlan) -> list[OperatorWork]:
  """The operators of a plan."""
  calls = Counter(
      op for segment in plan.segments for op, _, count in segment.steps if count
  )
  pool = ConstantPool()  # only the parameters are wanted
  return [
      _operator(
          Kind(op.kind),
          op.encode(pool),
          _map_shape(plan.graph.maps[op.inputs[0]]),
          _map_shape(plan.graph.maps[op.outputs[0]]),
          calls[i],
      )
      for i, op in enumerate(plan.graph.ops)
  ]


def work_of_program(data: bytes) -> list[OperatorWork]:
  """The operators of a program that `tflm_patch_validate` accepts."""
  header = program.HEADER.unpack(data)
  calls: Counter[int] = Counter()
  for s in range(header['n_segments']):
    segment = program.SEGMENT.unpack(data, header['segments'] + s * program.SEGMENT.size)
    begin = header['steps'] + segment['first_step'] * program.STEP.size
    end = begin + segment['n_steps'] * program.STEP.size
    # A step's first byte is its operator.
    calls.update(
        segment['first_op'] + op for op in data[begin : end : program.STEP.size]
        if op != program.PAUSE
    )  # fmt: skip
  return [_operator_of_program(data, header, i, calls[i]) for i in range(header['n_ops'])]


def _operator_of_program(
    data: bytes, header: dict[str, int], index: int, calls: int
) -> OperatorWork:
  op = program.OP.unpack(data, header['ops'] + index * program.OP.size)
  edges = [
      int.from_bytes(data[header['edges'] + 2 * e :][:2], 'little')
      for e in range(op['first_edge'], op['first_edge'] + op['n_inputs'] + op['n_outputs'])
  ]
  source, made = _shape(data, header, edges[0]), _shape(data, header, edges[op['n_inputs']])
  return _operator(Kind(op['kind']), data[op['params'] :], source, made, calls)


def _operator(kind: Kind, record: bytes, source: Shape, made: Shape, calls: int) -> OperatorWork:
  """An operator from its parameter record, with whatever follows it."""
  params = _RECORDS[kind].unpack(record) if kind in _RECORDS else {}
  kernel, stride, dilation = _POINT, _POINT, _POINT
  if kind in _WINDOWED and not params.get('accumulate'):
    kernel, stride, dilation = (_pair(params, name) for name in ('kernel', 'stride', 'dilation'))
  prefix = 'requant.' if 'requant.act_min' in params else ''
  bounds = params.get(f'{prefix}act_min', _INT8[0]), params.get(f'{prefix}act_max', _INT8[1])
  macs = _macs(kind, params, source, made)
  return OperatorWork(
      kind, source, made, kernel, stride, dilation, bounds != _INT8, macs, calls
  )


def _macs(kind: Kind, params: dict[str, int], source: Shape, made: Shape) -> int:
  taps = params.get('window.kernel_h', 1) * params.get('window.kernel_w', 1)
  if kind == Kind.CONV_2D:
    return _elements(made) * taps * source[2] // params['groups']
  if kind == Kind.DEPTHWISE_CONV_2D:
    return _elements(made) * taps
  if kind == Kind.FULLY_CONNECTED:
    return _elements(made) * _elements(source) // made[0]
  if kind == Kind.TRANSPOSE_CONV:
    return _elements(source) * taps * made[2]
  return 0


def _pair(params: dict[str, int], name: str) -> tuple[int, int]:
  return params[f'window.{name}_h'], params[f'window.{name}_w']


def _shape(data: bytes, header: dict[str, int], index: int) -> Shape:
  record = program.MAP.unpack(data, header['maps'] + index * program.MAP.size)
  return record['rows'], record['cols'], record['channels']


def _map_shape(feature_map: FeatureMap) -> Shape:
  return feature_map.rows, feature_map.cols, feature_map.channels


def _elements(shape: Shape) -> int:
  return shape[0] * shape[1] * shape[2]


def _text(sizes: tuple[int, ...]) -> str:
  return 'x'.join(map(str, sizes))
