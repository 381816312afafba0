# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Row by row operators on joined maps, run on each part before it is joined.

What an operator makes of a row does not depend on the rows beside it: the softmax of the boxes
of a detector's three maps is that of each map's boxes, one below the other. So each part can go
all the way to where the rows must be together, and needs its own map no longer than that.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  StageGraph,
  StageOp,
  View,
  without_unused_maps,
)
from tflm_patch.planner.lowering import joined
from tflm_patch.planner.schedule import order
from tflm_patch.program.fields import scalars
from tflm_patch.program.kinds import spec_of
from tflm_patch.program.records import Kind

# Kinds that know nothing of other rows when step t reads row t alone, beside the cellwise ones.
_BY_ROW = frozenset({Kind.CONCATENATION, Kind.CONV_2D, Kind.RESHAPE, Kind.SOFTMAX, Kind.SPLIT})
_MAX_PARTS = 16

Sizes = tuple[int, ...]  # rows of each part


def by_parts(graph: StageGraph) -> StageGraph:
  """The graph without maps that are joined along rows before they must be.

  Returns:
    The same graph where there are none.
  """
  groups: dict[Sizes, list[int]] = {}
  for i, op in enumerate(graph.ops):
    sizes = _joined_sizes(graph, op)
    if sizes is not None:
      groups.setdefault(sizes, []).append(i)
  for sizes in groups:
    # Numbers of operators change with each group.
    joins = [i for i, op in enumerate(graph.ops) if _joined_sizes(graph, op) == sizes]
    graph = _Parts(graph, sizes, joins).apply()
  return graph


def _joined_sizes(graph: StageGraph, op: StageOp) -> Sizes | None:
  """Rows of the inputs of a join along rows inside the stage."""
  whole = graph.maps[op.outputs[0]]
  parts = [graph.maps[m] for m in op.inputs]
  if op.kind is not Kind.CONCATENATION or not 2 <= len(parts) <= _MAX_PARTS:
    return None
  if whole.role is not MapRole.INTERNAL or whole.view is not None:
    return None
  if any(part.role is MapRole.CONSTANT or part.shape[1:] != whole.shape[1:] for part in parts):
    return None
  sizes = tuple(part.rows for part in parts)
  return sizes if sum(sizes) == whole.rows else None


class _Parts:
  """Repeats operators for each part.

  Args:
    graph: The stage.
    sizes: Rows of the parts.
    joins: Operators that join such parts.
  """

  def __init__(self, graph: StageGraph, sizes: Sizes, joins: Iterable[int]) -> None:
    self._graph = graph
    self._sizes = sizes
    self._begins = list(itertools.accumulate(sizes, initial=0))[:-1]
    self._joins = frozenset(joins)
    self._maps: list[FeatureMap] = list(graph.maps)
    self._ops: list[StageOp] = []
    self._parts: dict[int, tuple[int, ...]] = {}  # of a map, where it is made by parts

  def apply(self) -> StageGraph:
    members = self._members()
    outside = self._read_outside(members)
    for i, op in enumerate(self._graph.ops):
      if i not in members:
        self._ops.append(op)
        continue
      if i in self._joins:
        self._parts[op.outputs[0]] = op.inputs
        if op.outputs[0] in outside:
          self._copy(op)
      else:
        self._repeat(op, outside)
      for m in op.outputs:
        if m in outside:
          self._join(op, m)
    graph = self._graph
    return joined.without_copies(
      without_unused_maps(
        StageGraph(tuple(self._maps), tuple(self._ops), graph.inputs, graph.outputs)
      )
    )

  def _members(self) -> frozenset[int]:
    """The joins, and what can be made of their parts."""
    members: set[int] = set(self._joins)
    made = {self._graph.ops[i].outputs[0] for i in self._joins}
    for i, op in enumerate(self._graph.ops):
      if i not in members and self._is_by_row(op, made):
        members.add(i)
        made.update(op.outputs)
    return frozenset(members)

  def _is_by_row(self, op: StageOp, made: set[int]) -> bool:
    maps = self._graph.maps
    total = sum(self._sizes)
    fields = {} if op.params is None else scalars(op.params)
    shapes = maps[op.inputs[0]].shape, maps[op.outputs[0]].shape
    if op.accumulates or op.steps != total or not any(m in made for m in op.inputs):
      return False
    arithmetic = spec_of(op.kind).arithmetic
    if arithmetic not in _BY_ROW and not op.spec.cellwise(fields, *shapes):
      return False
    if any(maps[m].rows != total or maps[m].view is not None for m in op.outputs):
      return False
    for m, reads in zip(op.inputs, op.reads):
      is_broadcast = maps[m].role is MapRole.CONSTANT and maps[m].rows == 1
      if is_broadcast:
        continue
      same = rows.same_row(total, total)
      is_row = np.array_equal(reads.first, same.first) and np.array_equal(reads.last, same.last)
      if not is_row or maps[m].rows != total:
        return False
      if m not in made and maps[m].role is not MapRole.CONSTANT:
        return False
    return True

  def _read_outside(self, members: frozenset[int]) -> set[int]:
    """Maps that must be whole."""
    readers = order.consumers(self._graph)
    made = {m for i in members for m in self._graph.ops[i].outputs}
    return {
      m
      for m in made
      if self._graph.maps[m].role is MapRole.OUTPUT
      or any(reader not in members for reader in readers.get(m, ()))
    }

  def _copy(self, op: StageOp) -> None:
    """Copies what is joined into parts of the whole."""
    parts = self._new_maps(op.outputs[0], True)
    for k, (source, part, size) in enumerate(zip(op.inputs, parts, self._sizes)):
      copy = dataclasses.replace(
        op,
        name=f'{op.name} part {k}',
        inputs=(source,),
        outputs=(part,),
        steps=size,
        reads=(rows.same_row(size, size),),
        in_place=(),
      )
      self._ops.append(copy)
    self._parts[op.outputs[0]] = parts

  def _repeat(self, op: StageOp, outside: set[int]) -> None:
    for m in op.outputs:
      self._parts[m] = self._new_maps(m, m in outside)
    total = sum(self._sizes)
    for k, (begin, size) in enumerate(zip(self._begins, self._sizes)):
      inputs = [self._part(m, k) for m in op.inputs]
      self._ops.append(
        dataclasses.replace(
          op,
          name=f'{op.name} part {k}',
          inputs=tuple(inputs),
          outputs=tuple(self._parts[m][k] for m in op.outputs),
          steps=size,
          reads=tuple(rows.same_row(size, self._maps[m].rows) for m in inputs),
          macs=op.macs * (begin + size) // total - op.macs * begin // total,
        )
      )

  def _part(self, m: int, k: int) -> int:
    """The part of an input; a constant's own."""
    if m in self._parts:
      return self._parts[m][k]
    whole = self._graph.maps[m]
    if whole.rows == 1:
      return m
    assert whole.constant is not None
    begin, size = self._begins[k], self._sizes[k]
    values = whole.constant[begin : begin + size]
    self._maps.append(
      dataclasses.replace(whole, name=f'{whole.name}/part {k}', rows=size, constant=values)
    )
    return len(self._maps) - 1

  def _new_maps(self, m: int, is_whole: bool) -> tuple[int, ...]:
    whole = self._graph.maps[m]
    found = []
    for k, (begin, size) in enumerate(zip(self._begins, self._sizes)):
      self._maps.append(
        dataclasses.replace(
          whole,
          name=f'{whole.name}/part {k}',
          rows=size,
          role=MapRole.INTERNAL,
          view=View(m, begin, 0) if is_whole else None,
        )
      )
      found.append(len(self._maps) - 1)
    return tuple(found)

  def _join(self, op: StageOp, m: int) -> None:
    total = sum(self._sizes)
    self._ops.append(
      StageOp(
        kind=Kind.JOIN,
        name=op.name,
        inputs=self._parts[m],
        outputs=(m,),
        steps=total,
        reads=tuple(rows.whole_map(total, size) for size in self._sizes),
        graph_ops=op.graph_ops,
      )
    )
