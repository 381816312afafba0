# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows and columns of a window whose weights are all zero."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

import numpy as np

from tflm_patch.channels.weights import add_constant
from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.graph.types import Model, Operator, Subgraph
from tflm_patch.planner.lowering.operators import OpView, check
from tflm_patch.planner.lowering.operators.windows import kernel_of, window_of

_SAME, _VALID = 0, 1
_WINDOWED = ('CONV_2D', 'DEPTHWISE_CONV_2D')
_Cut = tuple[int, int]  # taps that go before and behind


@dataclasses.dataclass(frozen=True, eq=False)
class Trim:
  """A smaller window of an operator.

  Attributes:
    index: The operator.
    rows, cols: What goes of its window.
    padding: How it pads then, as in its options.
    explicit_padding: The same, where it is given in rows and columns.
  """

  index: int
  rows: _Cut
  cols: _Cut
  padding: int
  explicit_padding: tuple[int, int, int, int] | None


def find(graph: Subgraph, index: int) -> Trim | None:
  """The smallest window that computes the same, None when that is the operator's own."""
  view = OpView(Model([graph]), graph, index)
  if view.operator.opcode not in _WINDOWED or check(view) is not None:
    return None
  used: np.ndarray = np.any(view.input(1).array(), axis=(0, 3))
  if not used.any() or used.shape == (1, 1):
    return None
  windows = window_of(view, kernel_of(view))
  zeros = [_zeros(used, axis=1), _zeros(used, axis=0)]
  if zeros == [(0, 0), (0, 0)]:
    return None
  found = list(_explicit(view, windows, zeros) or _implicit(view, windows, zeros))
  best = max(found, key=_taps, default=None)
  return best if best is not None and _taps(best) else None


def apply(graph: Subgraph, trim: Trim) -> Operator:
  """Gives the operator its smaller window; the operator as it was before."""
  operator = graph.operators[trim.index]
  old = graph.tensors[operator.inputs[1]]
  rows, cols = (slice(a, size - b) for (a, b), size in zip((trim.rows, trim.cols), old.shape[1:3]))
  weights = add_constant(graph, old, old.array()[:, rows, cols], old.quantization)
  options = copy.copy(operator.options)
  options.padding = trim.padding
  graph.operators[trim.index] = dataclasses.replace(
    operator,
    inputs=(operator.inputs[0], weights, *operator.inputs[2:]),
    options=options,
    explicit_padding=trim.explicit_padding,
  )
  return operator


def _zeros(used: np.ndarray, axis: int) -> _Cut:
  """How many taps before the first that is used, and behind the last, along the other axis."""
  at = np.flatnonzero(np.any(used, axis=axis))
  return int(at[0]), int(used.shape[1 - axis] - 1 - at[-1])


def _taps(trim: Trim) -> int:
  return sum((*trim.rows, *trim.cols))


def _explicit(
  view: OpView, windows: tuple[AxisWindow, AxisWindow], zeros: list[_Cut]
) -> Iterator[Trim] | None:
  """Explicit padding may shrink by what goes, not below nothing."""
  pads = view.operator.explicit_padding
  if pads is None:
    return None
  cuts, left = [], []
  for window, cut, around in zip(windows, zeros, (pads[:2], pads[2:])):
    most = tuple(min(n, pad // window.dilation) for n, pad in zip(cut, around))
    cuts.append((most[0], most[1]))
    left += [pad - n * window.dilation for n, pad in zip(most, around)]
  explicit = None if not any(left) else (left[0], left[1], left[2], left[3])
  return iter([Trim(view.index, cuts[0], cuts[1], _VALID, explicit)])


def _implicit(
  view: OpView, windows: tuple[AxisWindow, AxisWindow], zeros: list[_Cut]
) -> Iterator[Trim]:
  """Windows whose places SAME or VALID give as well."""
  source, target = view.input().shape[1:3], view.output().shape[1:3]
  for padding in (_SAME, _VALID):
    cuts = [
      max(_axis_cuts(*each, padding), key=sum, default=None)
      for each in zip(windows, zeros, source, target)
    ]
    if cuts[0] is not None and cuts[1] is not None:
      yield Trim(view.index, cuts[0], cuts[1], padding, None)


def _axis_cuts(
  window: AxisWindow, zeros: _Cut, size: int, out: int, padding: int
) -> Iterator[_Cut]:
  """What may go along one axis when the operator pads that way."""
  for before in range(zeros[0] + 1):
    for behind in range(zeros[1] + 1):
      reach = (window.kernel - before - behind - 1) * window.dilation
      pad = window.pad - before * window.dilation
      if padding == _SAME:
        fits = out == -(-size // window.stride)
        wanted = max(0, (out - 1) * window.stride + reach + 1 - size) // 2
      else:
        fits, wanted = out == (size + window.stride - reach - 1) // window.stride, 0
      if fits and pad == wanted:
        yield before, behind
