# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage as the arrays that the native library takes (native/stage.h)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np

from tflm_patch.planner.ir.stage_graph import FeatureMap, MapRole, StageGraph
from tflm_patch.planner.memory.sharing import is_shared
from tflm_patch.program.kinds import Role

_VIEWS = {Role.PART: 1, Role.WHOLE: 2}
_SHARING = 3
# What lies elsewhere needs no memory here.
ROLES = {
  MapRole.INTERNAL: 0,
  MapRole.OUTPUT: 2,
  MapRole.INPUT: 3,
  MapRole.CONSTANT: 4,
  MapRole.KEPT: 4,
}
REUSED_INPUT = 1
_NO_VIEW = -1


class StageArrays(NamedTuple):
  """Arrays in the order of `tflm_patch_stage_tables`."""

  steps: np.ndarray
  accumulates: np.ndarray
  calls: np.ndarray
  kind: np.ndarray
  scratch_bytes: np.ndarray
  first_input: np.ndarray
  input: np.ndarray
  reads_first: np.ndarray
  reads_last: np.ndarray
  first_output: np.ndarray
  output: np.ndarray
  first_in_place: np.ndarray
  in_place: np.ndarray
  rows: np.ndarray
  row_bytes: np.ndarray
  dtype: np.ndarray
  role: np.ndarray
  view_base: np.ndarray
  view_top: np.ndarray


def stage_arrays(graph: StageGraph, reusable: Collection[int]) -> StageArrays | None:
  """A stage as arrays; None when an operator lacks an input, an output or a step.

  Args:
    graph: The stage.
    reusable: Input maps whose memory may be used.
  """
  ops, maps = graph.ops, graph.maps
  if not all(op.inputs and op.outputs and op.steps for op in ops):
    return None
  reads = [read for op in ops for read in op.reads]
  if [len(read.first) for read in reads] != [op.steps for op in ops for _ in op.inputs]:
    return None
  return StageArrays(
    _ints(op.steps for op in ops),
    _ints(op.accumulates for op in ops),
    _ints(op.calls for op in ops),
    _ints(
      _SHARING if is_shared(graph, i) else _VIEWS.get(op.spec.role, 0) for i, op in enumerate(ops)
    ),
    _longs(op.scratch_bytes for op in ops),
    _begins([op.inputs for op in ops]),
    _ints(chain.from_iterable(op.inputs for op in ops)),
    np.concatenate([read.first for read in reads], dtype=np.int64),
    np.concatenate([read.last for read in reads], dtype=np.int64),
    _begins([op.outputs for op in ops]),
    _ints(chain.from_iterable(op.outputs for op in ops)),
    _begins([op.in_place for op in ops]),
    _longs(
      number
      for op in ops
      for how in op.in_place
      for number in (how.input, how.row_shift, how.gap_bytes, how.row_step)
    ),
    _ints(each.rows for each in maps),
    _longs(each.row_bytes for each in maps),
    _ints(each.dtype for each in maps),
    _ints(_role(m, each, reusable) for m, each in enumerate(maps)),
    _ints(_NO_VIEW if each.view is None else each.view.base for each in maps),
    _ints(0 if each.view is None else each.view.top for each in maps),
  )


def _role(m: int, feature_map: FeatureMap, reusable: Collection[int]) -> int:
  reused = feature_map.role == MapRole.INPUT and m in reusable
  return REUSED_INPUT if reused else ROLES[feature_map.role]


def _ints(values: Iterable[int]) -> np.ndarray:
  return np.array(list(values), np.int32)


def _longs(values: Iterable[int]) -> np.ndarray:
  return np.array(list(values), np.int64)


def _begins(parts: Sequence[Sequence[object]]) -> np.ndarray:
  return _ints(accumulate(map(len, parts), initial=0))
