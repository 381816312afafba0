# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cases of operators that move rows, columns and channels, or sum over them."""

from __future__ import annotations

import itertools

from support.model_builder import ModelBuilder
from support.operator_cases import MAP, Case
from tflm_patch.graph.types import DType


def _like(b: ModelBuilder, x: int, y: int) -> int:
  return b.quantize(y, like=x)


def _concatenations() -> list[Case]:
  cases = []
  for axis, name in ((1, 'rows'), (2, 'columns'), (3, 'channels')):

    def computed(b: ModelBuilder, x: int, axis=axis) -> int:
      return b.concat(
        [_like(b, x, b.conv(x, 6)), x, _like(b, x, b.max_pool(x, 3, 1, 'SAME'))], axis
      )

    def constant(b: ModelBuilder, x: int, axis=axis) -> int:
      shape = list(MAP)
      shape[axis] = 2
      known = b.constant_operand(shape, like=x)
      return b.concat([known, x, known, x], axis)

    def twice(b: ModelBuilder, x: int, axis=axis) -> int:
      y = b.relu6(x)
      return b.add(b.concat([y, y], axis), b.concat([x, y], axis))

    cases += [
      Case(f'concatenation_{name}', computed),
      Case(f'concatenation_{name}_constant', constant),
      Case(f'concatenation_{name}_twice', twice),
    ]
  return [
    *cases,
    Case('concatenation_negative_axis', lambda b, x: b.concat([x, b.relu6(x)], -3)),
    Case('concatenation_of_lines', lambda b, x: b.concat([x, x], 2), (1, 1, 9, 6)),
    Case('concatenation_one', lambda b, x: b.concat([x], 1)),
    Case('concatenation_lines', lambda b, x: b.concat([x, b.relu6(x)], 1), (1, 9, 6), framed=False),
    Case('concatenation_heads', _heads, framed=False),
    Case('concatenation_nested', _nested),
  ]


def _heads(b: ModelBuilder, x: int) -> int:
  """Anchors of two maps below each other, as detectors put them out."""
  first = b.reshape(b.conv(x, 8, 1), (1, 126, 4))
  second = b.conv(b.depthwise(x, stride=2), 8, 1)
  second = b.reshape(_like(b, first, second), (1, 40, 4))
  return b.softmax(b.concat([first, second], 1))


def _nested(b: ModelBuilder, x: int) -> int:
  inner = b.concat([b.relu6(x), x], 1)
  return b.concat([x, inner, b.concat([inner, x], 1)], 1)


def _packs() -> list[Case]:
  line = (1, 9, 6)
  cases = [
    Case(
      f'pack_{axis}',
      lambda b, x, a=axis: b.pack([x, b.relu6(x), b.constant_operand((1, 9, 6), like=x)], a),
      line,
      framed=False,
    )
    for axis in (1, 2, 3, -1)
  ]
  cases += [
    Case(f'unpack_{axis}', lambda b, x, a=axis: b.add(*b.unpack(x, a)[:2]), framed=False)
    for axis in (1, 2, 3)
  ]
  return [
    *cases,
    Case('unpack_all', lambda b, x: b.pack(b.unpack(x, 2)[::-1], 2)),
    Case('unpack_line', lambda b, x: b.unpack(x, 1)[3], line, framed=False),
  ]


def _transposes() -> list[Case]:
  cases = [
    Case(f'transpose_{"".join(map(str, axes))}', lambda b, x, p=(0, *axes): b.transpose(x, p))
    for axes in itertools.permutations((1, 2, 3))
  ]
  return [
    *cases,
    Case('transpose_twice', lambda b, x: b.transpose(b.transpose(x, (0, 3, 1, 2)), (0, 2, 3, 1))),
    Case('transpose_line', lambda b, x: b.transpose(x, (0, 2, 1)), (1, 9, 6), framed=False),
    Case('transpose_vectors', lambda b, x: b.transpose(x, (1, 0)), (9, 6), framed=False),
    Case('transpose_batch', lambda b, x: b.transpose(x, (1, 2, 0, 3)), (1, 1, 9, 6)),
    Case('transpose_one_row', lambda b, x: b.transpose(x, (0, 2, 1, 3)), (1, 1, 9, 6)),
    Case('transpose_one_column', lambda b, x: b.transpose(x, (0, 3, 2, 1)), (1, 9, 1, 6)),
  ]


def _reductions() -> list[Case]:
  cases = []
  axes = [a for n in (1, 2, 3) for a in itertools.combinations((1, 2, 3), n)]
  for opcode in ('mean', 'sum', 'reduce_max', 'reduce_min'):
    for over in axes:
      name = f'{opcode}_over_{"".join(map(str, over))}'

      def make(b: ModelBuilder, x: int, opcode=opcode, over=over, keep=True) -> int:
        return getattr(b, opcode)(x, over, keep)

      def short(b: ModelBuilder, x: int, make=make) -> int:
        return make(b, x, keep=False)

      cases += [Case(name, make), Case(f'{name}_short', short, framed=False)]
    for over in ((1,), (-1,), (1, 2)):

      def lines(b: ModelBuilder, x: int, opcode=opcode, over=over) -> int:
        return getattr(b, opcode)(x, over)

      cases.append(Case(f'{opcode}_lines_{over[0]}{len(over)}', lines, (1, 9, 6), framed=False))
  return cases


def _gathers() -> list[Case]:
  positions = {1: [5, 0, 6, 6, 2], 2: [1, 2, 4, 8], 3: [5, 4, 3, 0, 0]}
  cases = []
  for axis, index in positions.items():
    cases += [
      Case(f'gather_{axis}', lambda b, x, a=axis, i=index: b.gather(x, i, a)),
      Case(f'gather_one_{axis}', lambda b, x, a=axis: b.gather(x, 3, a), framed=False),
      Case(f'reverse_{axis}', lambda b, x, a=axis: b.reverse(x, a)),
    ]
  return [
    *cases,
    Case('gather_table', lambda b, x: b.gather(x, [[0, 2], [1, 1]], 1), (1, 9, 6), framed=False),
    Case('gather_nd_rows', lambda b, x: b.gather_nd(x, [[[0, 5], [0, 1], [0, 1]]])),
    Case(
      'gather_nd_cells',
      lambda b, x: b.gather_nd(x, [[0, 6, 8], [0, 0, 1], [0, 3, 3]]),
      framed=False,
    ),
    Case(
      'gather_nd_values', lambda b, x: b.gather_nd(x, [[0, 6, 8, 5], [0, 1, 2, 3]]), framed=False
    ),
    Case('gather_nd_all', lambda b, x: b.gather_nd(x, [[0]])),
    Case('gather_nd_table', lambda b, x: b.gather_nd(x, [[[4], [2]]]), (9, 5), framed=False),
    Case('gather_rising', lambda b, x: b.gather(x, [0, 0, 2, 5], 1)),
    Case('broadcast_to', lambda b, x: b.broadcast_to(b.mean(x), MAP)),
    Case('broadcast_to_rows', lambda b, x: b.broadcast_to(b.mean(x, (1,)), MAP)),
    Case('broadcast_to_rank', lambda b, x: b.broadcast_to(x, (1, 7, 9, 6)), (9, 6), framed=False),
    Case('broadcast_to_channels', lambda b, x: b.broadcast_to(b.mean(x, (3,)), MAP)),
    Case('broadcast_to_same', lambda b, x: b.broadcast_to(x, MAP)),
    Case('mirror_pad', lambda b, x: b.mirror_pad(x, [(0, 0), (3, 2), (1, 4), (0, 0)])),
    Case('mirror_pad_all', lambda b, x: b.mirror_pad(x, [(0, 0), (6, 6), (8, 0), (1, 5)])),
    Case(
      'mirror_pad_symmetric', lambda b, x: b.mirror_pad(x, [(0, 0), (7, 1), (2, 9), (6, 0)], True)
    ),
    Case('l2_normalization', lambda b, x: b.l2_normalization(x)),
    Case('l2_normalization_of_zeros', lambda b, x: b.l2_normalization(b.sub(x, x))),
    Case('l2_normalization_vector', lambda b, x: b.l2_normalization(x), (1, 300), framed=False),
    *[
      Case(f'cast_{dtype.name}'.lower(), lambda b, x, d=dtype: b.cast(x, d), framed=False)
      for dtype in (DType.INT8, DType.INT16, DType.INT32, DType.FLOAT32)
    ],
    Case('cast_twice', lambda b, x: b.cast(b.cast(x, DType.INT32), DType.INT8)),
    Case('cast_of_arg_max', lambda b, x: b.cast(b.arg_max(x), DType.FLOAT32), framed=False),
    *[
      Case(f'div_by_{steps}', lambda b, x, n=steps: b.div(x, b.single(n)))
      for steps in (-100, -7, -1, 1, 2, 13, 64, 107)
    ],
    Case('div_relu', lambda b, x: b.div(x, b.single(20), 'RELU')),
    Case('arg_max', lambda b, x: b.arg_max(x), framed=False),
    Case('arg_min', lambda b, x: b.arg_max(x, 'ARG_MIN'), framed=False),
    Case('arg_max_vector', lambda b, x: b.arg_max(x), (1, 10), framed=False),
    Case('arg_max_lines', lambda b, x: b.arg_max(x), (1, 9, 6), framed=False),
  ]


def _log_softmaxes() -> list[Case]:
  return [
    Case('log_softmax', lambda b, x: b.log_softmax(x)),
    Case('log_softmax_one', lambda b, x: b.log_softmax(x), (1, 9, 7, 1)),
    Case('log_softmax_vector', lambda b, x: b.log_softmax(x), (1, 300), framed=False),
    Case('log_softmax_rows', lambda b, x: b.log_softmax(x), (5, 10), framed=False),
  ]


def _cumsums() -> list[Case]:
  """Along every axis, both ways; rows in reverse stay stock."""
  return [
    Case(
      f'cumsum_{axis}{"_exclusive" if exclusive else ""}{"_reverse" if reverse else ""}',
      lambda b, x, axis=axis, exclusive=exclusive, reverse=reverse: b.cumsum(
        x, axis, exclusive, reverse
      ),
    )
    for axis in (1, 2, 3)
    for exclusive in (False, True)
    for reverse in (False, True)
    if not (reverse and axis == 1)
  ] + [
    Case('cumsum_vector', lambda b, x: b.cumsum(x, -1), (1, 90), framed=False),
    Case('cumsum_long', lambda b, x: b.cumsum(x, 1), (1, 200, 2, 3)),
  ]


MOVING_CASES = [
  *_concatenations(),
  *_packs(),
  *_transposes(),
  *_reductions(),
  *_gathers(),
  *_log_softmaxes(),
  *_cumsums(),
]
