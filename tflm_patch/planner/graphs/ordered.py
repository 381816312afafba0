# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage that computes the nodes of a graph in another order than the model has them.

What NEIGHBOURS reads is held from the first to the last of a node's neighbours: few rows where
neighbours are near each other. All maps between such operators get the new order, along with
what works row by row; rows of the stage's tensors stay where they are in the model: NODE_ORDER
takes them from there and puts them back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

import numpy as np

from tflm_patch.planner.graphs.forms import neighbours
from tflm_patch.planner.graphs.matrix import Matrix
from tflm_patch.planner.graphs.numbering import near_each_other
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  RowReads,
  StageGraph,
  StageOp,
  without_unused_maps,
)
from tflm_patch.planner.schedule import order
from tflm_patch.program.kinds import Role
from tflm_patch.program.params import GatherParams, NeighboursParams, NodeOrderParams
from tflm_patch.program.records import Kind

# What takes one row for all, beside a row of each node; others make rows of parts of a single one.
_OF_ONE_ROW = frozenset(
  {
    Kind.ADD,
    Kind.SUB,
    Kind.MUL,
    Kind.MAXIMUM,
    Kind.MINIMUM,
    Kind.PRELU,
    Kind.SQUARED_DIFFERENCE,
    Kind.BATCH_MATMUL,
  }
)
# What sums up or compares all rows, in whatever order they come.
_OF_ALL_ROWS = (Kind.MEAN, Kind.MEAN_S16, Kind.REDUCE_MAX, Kind.REDUCE_MIN)


def with_nodes_near(graph: StageGraph, reusable: Collection[int]) -> StageGraph | None:
  """The graph with its nodes in an order in which fewer rows are held.

  Args:
    graph: The stage.
    reusable: Input maps that may be overwritten.

  Returns:
    None where there are no such nodes, or their own order is as good.
  """
  square = [i for i in range(len(graph.ops)) if _is_square(graph, i)]
  if not square:
    return None
  nodes = max(graph.ops[i].steps for i in square)
  own = [i for i in square if graph.ops[i].steps == nodes]
  found = near_each_other([matrix_of(graph, i) for i in own])
  if found is None:
    return None
  return _Reordered(graph, _row_by_row(graph, own, nodes), found, reusable).graph()


def matrix_of(graph: StageGraph, i: int) -> Matrix:
  """Of an operator that is NEIGHBOURS."""
  op = graph.ops[i]
  assert isinstance(op.params, NeighboursParams)
  return Matrix.of_params(op.params, graph.maps[op.inputs[0]].rows)


def _is_square(graph: StageGraph, i: int) -> bool:
  op = graph.ops[i]
  return op.kind == Kind.NEIGHBOURS and graph.maps[op.inputs[0]].rows == op.steps


@dataclasses.dataclass(frozen=True)
class _Inside:
  """What gets another order of nodes.

  Attributes:
    maps: Their rows are the nodes.
    ops: They make maps of rows in the new order.
  """

  maps: frozenset[int]
  ops: frozenset[int]


def _row_by_row(graph: StageGraph, square: list[int], nodes: int) -> _Inside:
  """Maps and operators from these operators on, in both directions, that work row by row."""
  alike = [i for i, op in enumerate(graph.ops) if _works_row_by_row(graph, op, nodes)]
  maps = {m for i in square for m in (*graph.ops[i].inputs, *graph.ops[i].outputs)}
  ops = set(square)
  grows = True
  while grows:
    before = len(ops)
    for i in alike:
      own = {*graph.ops[i].outputs, *_of_nodes(graph, graph.ops[i], nodes)}
      if own & maps:
        maps |= own
        ops.add(i)
    grows = len(ops) > before
  return _Inside(frozenset(maps), frozenset(ops))


def _of_nodes(graph: StageGraph, op: StageOp, nodes: int) -> tuple[int, ...]:
  """Inputs that have a row for every node."""
  return tuple(m for m in op.inputs if graph.maps[m].rows == nodes)


def _works_row_by_row(graph: StageGraph, op: StageOp, nodes: int) -> bool:
  """Whether each output row is made of the same rows of its inputs, all by the same numbers."""
  if op.spec.role is not Role.COMPUTE or op.accumulates or op.steps != nodes:
    return False
  if op.kind in (Kind.NEIGHBOURS, Kind.NODE_ORDER) or graph.maps[op.outputs[0]].rows != nodes:
    return False
  if isinstance(op.params, GatherParams) and op.params.rows is not None:
    return False
  maps = [graph.maps[m] for m in (*op.inputs, *op.outputs)]
  if any(each.view is not None or each.role is MapRole.KEPT for each in maps):
    return False
  if not _of_nodes(graph, op, nodes):
    return False
  at = np.arange(nodes)
  return all(
    (graph.maps[m].rows == 1 and op.spec.arithmetic in _OF_ONE_ROW)
    or (
      graph.maps[m].rows == nodes
      and np.array_equal(reads.first, at)
      and np.array_equal(reads.last, at)
    )
    for m, reads in zip(op.inputs, op.reads)
  )


class _Reordered:
  """Makes the graph, operator by operator.

  Args:
    old: The graph.
    inside: What of it gets the new order.
    found: The old number of each node.
    reusable: Input maps that may be overwritten.
  """

  def __init__(
    self, old: StageGraph, inside: _Inside, found: np.ndarray, reusable: Collection[int]
  ) -> None:
    self._old = old
    self._inside = inside
    self._found = found
    self._reusable = reusable
    self._maps = list(old.maps)
    self._ops: list[StageOp] = []
    # A map of the old graph -> the one of the same nodes in the new, in the model's order.
    self._ordered: dict[int, int] = {}
    self._plain: dict[int, int] = {}

  def graph(self) -> StageGraph:
    """The new graph."""
    for i, op in enumerate(self._old.ops):
      inputs = tuple(self._ordered_or_not(i, m) for m in op.inputs)
      of_nodes = op.outputs if i in self._inside.ops else ()
      outputs = tuple(self._made(m) for m in of_nodes) or op.outputs
      op = self._with_columns(i, op)
      self._ops.append(dataclasses.replace(op, inputs=inputs, outputs=outputs))
      for m in of_nodes:
        if self._maps[m].role is MapRole.OUTPUT:
          self._append_back(m)
    return without_unused_maps(
      StageGraph(tuple(self._maps), tuple(self._ops), self._old.inputs, self._old.outputs)
    )

  def _with_columns(self, i: int, op: StageOp) -> StageOp:
    """A matrix with its nodes in the new order."""
    if op.kind != Kind.NEIGHBOURS or op.inputs[0] not in self._inside.maps:
      return op
    rows_too = i in self._inside.ops
    matrix = matrix_of(self._old, i).in_order(self._found if rows_too else None, self._found)
    source = self._old.maps[op.inputs[0]]
    return neighbours(op, matrix, source.cols * source.channels)

  def _ordered_or_not(self, i: int, m: int) -> int:
    """The map that an operator of the new graph reads instead of one of the old."""
    if m not in self._inside.maps:
      return m
    return self._in_order(i, m) if self._reads_new_order(i) else self._in_models_order(m)

  def _reads_new_order(self, i: int) -> bool:
    """Whether an operator takes its rows in the new order."""
    op = self._old.ops[i]
    takes_any = op.kind == Kind.NEIGHBOURS or (op.accumulates and op.kind in _OF_ALL_ROWS)
    return takes_any or i in self._inside.ops

  def _in_order(self, i: int, m: int) -> int:
    """A map in the new order, taken from the model's order if nothing has made it so."""
    if m not in self._ordered:
      feature_map = self._maps[m]
      if feature_map.constant is not None:
        values = feature_map.constant[self._found]
        self._ordered[m] = self._add(dataclasses.replace(feature_map, constant=values))
      else:
        self._ordered[m] = self._inner(m)
        self._append_taken(m, i)
    return self._ordered[m]

  def _append_taken(self, m: int, i: int) -> None:
    """The rows of a map in the new order."""
    nodes = self._found.size
    readers = order.consumers(self._old).get(m, ())
    is_free = m in self._reusable or self._maps[m].role is MapRole.INTERNAL
    if is_free and all(self._reads_new_order(each) for each in readers):
      params = NodeOrderParams(_exchanges(self._found), 0)
      at = np.arange(nodes)
      self._copy(m, self._ordered[m], i, params, RowReads(at, np.full(nodes, nodes - 1)))
    else:
      self._gather(m, self._ordered[m], i, self._found)

  def _in_models_order(self, m: int) -> int:
    """A map in the model's order, for an operator that needs it so."""
    if m not in self._ordered or self._maps[m].role in (MapRole.INPUT, MapRole.CONSTANT):
      return m
    if m not in self._plain:
      self._plain[m] = self._inner(m)
      maker = order.producers(self._old)[m]
      self._gather(self._ordered[m], self._plain[m], maker, np.argsort(self._found))
    return self._plain[m]

  def _made(self, m: int) -> int:
    """The map that an operator makes in the new order instead of one of the old."""
    self._ordered[m] = self._inner(m)
    return self._ordered[m]

  def _append_back(self, m: int) -> None:
    """An output of the stage from its rows in the new order."""
    maker = order.producers(self._old)[m]
    params = NodeOrderParams(_exchanges_back(self._found), 1)
    nodes = self._found.size
    self._copy(self._ordered[m], m, maker, params, rows.same_row(nodes, nodes))

  def _gather(self, source: int, target: int, i: int, index: np.ndarray) -> None:
    first = np.minimum.accumulate(index[::-1])[::-1]
    last = np.maximum.accumulate(index)
    params = GatherParams(np.stack([index, first, last], 1))
    self._copy(source, target, i, params, RowReads(first, last))

  def _copy(
    self, source: int, target: int, i: int, params: NodeOrderParams | GatherParams, reads: RowReads
  ) -> None:
    """An operator that moves rows, on account of operator i."""
    is_gather = isinstance(params, GatherParams)
    self._ops.append(
      StageOp(
        kind=Kind.GATHER if is_gather else Kind.NODE_ORDER,
        inputs=(source,),
        outputs=(target,),
        steps=self._found.size,
        reads=(reads,),
        params=params,
        name=f'{"GATHER" if is_gather else "NODE_ORDER"} {self._old.ops[i].name}',
        graph_ops=self._old.ops[i].graph_ops,
      )
    )

  def _inner(self, m: int) -> int:
    """A map like another one, made and read inside alone."""
    feature_map = dataclasses.replace(self._maps[m], role=MapRole.INTERNAL)
    return self._add(feature_map)

  def _add(self, feature_map: FeatureMap) -> int:
    self._maps.append(feature_map)
    return len(self._maps) - 1


def _exchanges(found: np.ndarray) -> np.ndarray:
  """int64 [nodes], with which row each one changes places so that they get an order, in turn."""
  at = np.arange(found.size)  # what lies where
  place = np.arange(found.size)  # and where it lies
  exchanges = np.empty_like(found)
  for step, wanted in enumerate(found):
    taken = place[wanted]
    exchanges[step] = taken
    at[taken] = at[step]
    place[at[taken]] = taken
  return exchanges


def _exchanges_back(found: np.ndarray) -> np.ndarray:
  """int64 [nodes], where each row of an order goes, what is there behind the rows before it."""
  lies = np.argsort(found)  # in the end: which step's row lies where
  exchanges = np.empty_like(found)
  place = np.array(found)  # where each step's row lies
  for step in range(found.size - 1, -1, -1):
    taken = place[step]
    exchanges[step] = taken
    lies[taken] = lies[step]
    place[lies[taken]] = taken
  return exchanges


def neighbourhoods(graph: StageGraph) -> Iterator[tuple[StageOp, Matrix]]:
  """The operators of a stage that are NEIGHBOURS, with their matrices."""
  for i, op in enumerate(graph.ops):
    if op.kind == Kind.NEIGHBOURS:
      yield op, matrix_of(graph, i)
