# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Peak memory as the literature on patch-based inference counts it.

MCUNetV2 (arXiv 2110.15352, section 4, "analytic profiling") sums the input and the
output of a layer and what other branches hold; a tensor that several branches read
counts once. Its figures follow when, as in its engine, a depthwise convolution or
an elementwise operator works in place, and a convolution whose result is added to
a shortcut adds it there. Allocators, alignment and scratch buffers are left out, so
these are figures to compare with papers, not what TFLM reports.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from tflm_patch.analysis.receptive_field import SpatialOperator
from tflm_patch.analysis.windows import POINTWISE

_IN_PLACE = POINTWISE - {'CONCATENATION', 'SLICE', 'SPLIT', 'SPLIT_V'} | {
  'DEPTHWISE_CONV_2D',
  'EXPAND_DIMS',
  'RESHAPE',
  'SQUEEZE',
}
_WEIGHTED = frozenset({'CONV_2D', 'FULLY_CONNECTED', 'TRANSPOSE_CONV'})


@dataclasses.dataclass(frozen=True)
class Peak:
  """The most bytes alive, and the position of the operator at which they are."""

  bytes: int
  at: int


def peak(
  ops: Sequence[SpatialOperator], sizes: Mapping[int, int], kept: Iterable[int] = ()
) -> Peak:
  """The peak of running operators one after the other.

  Args:
    ops: In execution order.
    sizes: Tensor index -> bytes it takes here.
    kept: Tensors that stay until the end.
  """
  born: dict[int, int] = {}
  dies: dict[int, int] = {}
  for i, op in enumerate(ops):
    for t in op.windows:
      born.setdefault(t, 0)
      dies[t] = i
    for t in op.outputs:
      born[t], dies[t] = i, i
  dies |= {t: len(ops) for t in kept if t in born}
  place = _places(ops, dies, sizes)
  best = Peak(0, 0)
  for i in range(len(ops)):
    room: dict[int, int] = {}
    for t, first in born.items():
      if first <= i <= dies[t]:
        room[place[t]] = max(room.get(place[t], 0), sizes[t])
    live = sum(room.values())
    if live > best.bytes:
      best = Peak(live, i)
  return best


def _places(
  ops: Sequence[SpatialOperator], dies: Mapping[int, int], sizes: Mapping[int, int]
) -> dict[int, int]:
  """Tensor -> the tensor whose memory it uses."""
  place = {t: t for t in dies}
  maker = {t: op for op in ops for t in op.outputs}
  for i, op in enumerate(ops):
    dying = [t for t in op.windows if dies[t] == i]
    if op.opcode not in _IN_PLACE or not dying or len(op.outputs) != 1:
      continue
    into = max(dying, key=lambda t: (sizes[t], -t))
    if op.opcode == 'ADD' and len(dying) == 2:
      # The operand made last is summed onto the other one as it is made.
      summed = max(dying, key=lambda t: _made(ops, t))
      into = dying[0] if summed == dying[1] else dying[1]
      if _sums_onto(ops, maker.get(summed), summed, into, i):
        place[summed] = place[into]
    place[op.outputs[0]] = place[into]
  return place


def _made(ops: Sequence[SpatialOperator], tensor: int) -> int:
  return next((i for i, op in enumerate(ops) if tensor in op.outputs), -1)


def _sums_onto(
  ops: Sequence[SpatialOperator], maker: SpatialOperator | None, tensor: int, onto: int, at: int
) -> bool:
  """Whether a weighted operator can add its result to a shortcut that only the sum reads."""
  if maker is None or maker.opcode not in _WEIGHTED or onto in maker.windows:
    return False
  made = _made(ops, tensor)
  return not any(onto in op.windows or tensor in op.windows for op in ops[made + 1 : at])
