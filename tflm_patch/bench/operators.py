# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of an encoded stage: shapes, work, how often their kernels are called."""

from __future__ import annotations

import dataclasses
from collections import Counter

from tflm_patch.planner import program
from tflm_patch.planner.program import Kind, Record

Shape = tuple[int, int, int]

_WINDOWED: dict[int, Record] = {
    Kind.CONV_2D: program.CONV,
    Kind.DEPTHWISE_CONV_2D: program.DEPTHWISE,
    Kind.TRANSPOSE_CONV: program.TRANSPOSE_CONV,
    Kind.AVERAGE_POOL_2D: program.POOL,
    Kind.MAX_POOL_2D: program.POOL,
}


@dataclasses.dataclass(frozen=True)
class StageOperator:
  """An operator of a stage.

  Attributes:
    kind: Its kind.
    input, output: (rows, cols, channels) of its first input and output.
    kernel, stride: (rows, cols) of its window; (1, 1) without one.
    groups: Of a convolution.
    steps: Rows that it is run for.
    calls: Steps of the program: how often its kernel is called.
  """

  kind: Kind
  input: Shape
  output: Shape
  kernel: tuple[int, int]
  stride: tuple[int, int]
  groups: int
  steps: int
  calls: int

  @property
  def macs(self) -> int:
    """Multiply-accumulates of an inference."""
    kernel = self.kernel[0] * self.kernel[1]
    rows, cols, channels = self.output
    per_output = {
        Kind.CONV_2D: kernel * self.input[2] // self.groups,
        Kind.DEPTHWISE_CONV_2D: kernel,
        Kind.FULLY_CONNECTED: _elements(self.input) // rows,
    }
    if self.kind == Kind.TRANSPOSE_CONV:
      return _elements(self.input) * kernel * channels
    return rows * cols * channels * per_output.get(self.kind, 0)

  @property
  def description(self) -> str:
    """Like 'CONV_2D 3x3/2 96x96x3 -> 48x48x8'."""
    window = ''
    if self.kind in _WINDOWED:
      window = f' {_text(self.kernel)}'
      window += f'/{self.stride[0]}' if self.stride != (1, 1) else ''
    return f'{self.kind.name}{window} {_text(self.input)} -> {_text(self.output)}'


def decode(data: bytes) -> list[StageOperator]:
  """The operators of a program that `tflm_patch_validate` accepts."""
  header = program.HEADER.unpack(data)
  calls: Counter[int] = Counter()
  for s in range(header['n_segments']):
    segment = program.SEGMENT.unpack(data, header['segments'] + s * program.SEGMENT.size)
    begin = header['steps'] + segment['first_step'] * program.STEP.size
    end = begin + segment['n_steps'] * program.STEP.size
    for op in data[begin : end : program.STEP.size]:
      if op != program.PAUSE:
        calls[segment['first_op'] + op] += 1
  return [_operator(data, header, i, calls[i]) for i in range(header['n_ops'])]


def _operator(data: bytes, header: dict[str, int], index: int, calls: int) -> StageOperator:
  op = program.OP.unpack(data, header['ops'] + index * program.OP.size)
  edges = [
      int.from_bytes(data[header['edges'] + 2 * e :][:2], 'little')
      for e in range(op['first_edge'], op['first_edge'] + op['n_inputs'] + op['n_outputs'])
  ]
  kind = Kind(op['kind'])
  params = {}
  if kind in _WINDOWED:
    params = _WINDOWED[kind].unpack(data, op['params'])
  return StageOperator(
      kind=kind,
      input=_shape(data, header, edges[0]),
      output=_shape(data, header, edges[op['n_inputs']]),
      kernel=(params.get('window.kernel_h', 1), params.get('window.kernel_w', 1)),
      stride=(params.get('window.stride_h', 1), params.get('window.stride_w', 1)),
      groups=params.get('groups', 1),
      steps=op['steps'],
      calls=calls,
  )


def _shape(data: bytes, header: dict[str, int], index: int) -> Shape:
  record = program.MAP.unpack(data, header['maps'] + index * program.MAP.size)
  return record['rows'], record['cols'], record['channels']


def _elements(shape: Shape) -> int:
  return shape[0] * shape[1] * shape[2]


def _text(sizes: tuple[int, ...]) -> str:
  return 'x'.join(map(str, sizes))
