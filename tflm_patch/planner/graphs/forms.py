# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sums over neighbours, in the forms in which models have them, as NEIGHBOURS.

A constant matrix times a map of nodes, BATCH_MATMUL; the same as FULLY_CONNECTED (or BATCH_MATMUL)
of the transposed map, transposed back; GATHER of every node's neighbours and SUM or MEAN. A matrix
of which most is zero takes less flash as a list, fewer multiply-accumulates, and of its operand
only the rows that are needed again; what is multiplied by zero changes no sum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tflm_patch.graph.types import DType
from tflm_patch.planner.graphs.matrix import Matrix, values_of
from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph, StageOp, without_unused_maps
from tflm_patch.planner.schedule import order
from tflm_patch.program import params as records
from tflm_patch.program.records import Kind, Sums

_TURNED = (2, 1, 0)  # rows become channels
_MOST_TIMES = 127  # that a node is a neighbour of another one: an int8 weight


@dataclasses.dataclass(frozen=True)
class _Found:
  """Operators that are a sum over neighbours.

  Attributes:
    ops: Their indices; the last is replaced, the others disappear.
    matrix: What it multiplies.
    source: The map of the nodes.
    main: Of them the operator that gives its name.
  """

  ops: tuple[int, ...]
  matrix: Matrix
  source: int
  main: int


def with_neighbours(graph: StageGraph) -> StageGraph:
  """The graph with NEIGHBOURS where a matrix is smaller without its zeros."""
  replaced: dict[int, StageOp] = {}
  gone: set[int] = set()
  for i in range(len(graph.ops)):
    found = next((each for each in (form(graph, i) for form in _FORMS) if each is not None), None)
    if found is not None:
      replaced[found.ops[-1]] = _operator(graph, found)
      gone.update(found.ops[:-1])
  if not replaced:
    return graph
  ops = tuple(replaced.get(i, op) for i, op in enumerate(graph.ops) if i not in gone)
  return without_unused_maps(StageGraph(graph.maps, ops, graph.inputs, graph.outputs))


def neighbours(op: StageOp, matrix: Matrix, row_values: int) -> StageOp:
  """The operator with another matrix."""
  return dataclasses.replace(
    op,
    params=matrix.params(),
    reads=(matrix.reads,),
    steps=matrix.rows,
    macs=matrix.connections * row_values,
  )


def _operator(graph: StageGraph, found: _Found) -> StageOp:
  last, main = graph.ops[found.ops[-1]], graph.ops[found.main]
  source = graph.maps[found.source]
  made = StageOp(
    kind=Kind.NEIGHBOURS,
    inputs=(found.source,),
    outputs=last.outputs,
    steps=found.matrix.rows,
    reads=(),
    name=main.name,
    graph_ops=tuple(sorted({g for i in found.ops for g in graph.ops[i].graph_ops})),
  )
  return neighbours(made, found.matrix, source.cols * source.channels)


def _is_smaller(matrix: Matrix) -> bool:
  """Whether a matrix takes less flash without its zeros."""
  return matrix.bytes < matrix.rows * matrix.columns and matrix.connections > 0


def _zero_point_in_bias(
  weights: np.ndarray, weights_zero_point: int, input_zero_point: int
) -> np.ndarray:
  """int32 [rows], what the input's zero point takes from the sums of int8 [rows, columns]."""
  sums = (weights.astype(np.int64) - weights_zero_point).sum(axis=1)
  return (-input_zero_point * sums).astype(np.int32)


def _requant(multiplier: int, shift: int, zero_point: int) -> records.Requant:
  """One scale for all, no limits but int8."""
  return records.Requant(
    multipliers=np.array([multiplier]),
    shifts=np.array([shift]),
    act_min=-128,
    act_max=127,
    output_zero_point=zero_point,
    sums=Sums.INT32,
  )


def _of_matmul(params: records.BatchMatmulParams) -> records.Requant:
  return _requant(params.output_multiplier, params.output_shift, params.output_zero_point)


def _constant_times_map(graph: StageGraph, i: int) -> _Found | None:
  """BATCH_MATMUL whose first operand is a constant matrix, the second a whole one."""
  op = graph.ops[i]
  if op.kind != Kind.BATCH_MATMUL or not isinstance(op.params, records.BatchMatmulParams):
    return None
  matrix, source = (graph.maps[m] for m in op.inputs)
  if op.params.whole != 1 or op.params.transposed or matrix.constant is None:
    return None
  if source.role is MapRole.CONSTANT or matrix.rows != op.steps:
    return None
  dense = matrix.constant.reshape(matrix.rows, matrix.channels)
  bias = _zero_point_in_bias(dense, matrix.zero_point, source.zero_point)
  found = Matrix.of_dense(dense, matrix.zero_point, bias, _of_matmul(op.params))
  return _Found((i,), found, op.inputs[1], i) if _is_smaller(found) else None


def _of_transposed_map(graph: StageGraph, i: int) -> _Found | None:
  """PERMUTE, a constant matrix from the right, PERMUTE back."""
  before, after = _only_maker(graph, graph.ops[i].inputs[0]), _only_reader(graph, i)
  if before is None or after is None or not _turns(graph, before) or not _turns(graph, after):
    return None
  source = graph.ops[before].inputs[0]
  matrix = _matrix_from_the_right(graph, graph.ops[i], graph.maps[source].zero_point)
  if matrix is None or graph.maps[source].rows != matrix.columns or not _is_smaller(matrix):
    return None
  return _Found((before, i, after), matrix, source, i)


def _matrix_from_the_right(graph: StageGraph, op: StageOp, zero_point: int) -> Matrix | None:
  params = op.params
  if isinstance(params, records.FullyConnectedParams):
    if op.kind != Kind.FULLY_CONNECTED or params.flatten:
      return None
    return Matrix.of_dense(values_of(params.weights), 0, values_of(params.bias), params.requant)
  if not isinstance(params, records.BatchMatmulParams) or params.whole != 1:
    return None
  constant = graph.maps[op.inputs[1]]
  if constant.constant is None:
    return None
  dense = constant.constant.reshape(constant.rows, constant.channels)
  dense = dense if params.transposed else dense.T
  bias = _zero_point_in_bias(dense, constant.zero_point, zero_point)
  return Matrix.of_dense(dense, constant.zero_point, bias, _of_matmul(params))


def _gathered_and_summed(graph: StageGraph, i: int) -> _Found | None:
  """GATHER of rows, RESHAPE of so many of them to one, MEAN or SUM over its columns."""
  op = graph.ops[i]
  if op.kind != Kind.MEAN or not isinstance(op.params, records.MeanParams):
    return None
  if op.params.over_rows or op.params.over_channels or op.accumulates:
    return None
  joined = _only_maker(graph, op.inputs[0])
  if joined is None or graph.ops[joined].kind != Kind.RESHAPE:
    return None
  gather = _only_maker(graph, graph.ops[joined].inputs[0])
  if gather is None or graph.ops[gather].kind != Kind.GATHER:
    return None
  table = graph.ops[gather].params
  assert isinstance(table, records.GatherParams)
  source, rows = graph.maps[graph.ops[gather].inputs[0]], graph.maps[op.inputs[0]]
  cells = graph.maps[graph.ops[gather].outputs[0]]
  if table.rows is None or table.cols is not None or table.channels is not None:
    return None
  if (cells.rows, 1, rows.channels) != (rows.rows * rows.cols, cells.cols, cells.channels):
    return None
  positions = values_of(table.rows)[:, 0].astype(np.int64)
  of_row = np.arange(cells.rows) // rows.cols
  pairs, times = np.unique(of_row * source.rows + positions, return_counts=True)
  if times.max() > _MOST_TIMES:
    return None
  params = op.params
  matrix = Matrix(
    pairs % source.rows,
    times,
    np.bincount(pairs // source.rows, minlength=rows.rows),
    source.rows,
    np.full(rows.rows, -source.zero_point * rows.cols),
    _requant(params.multiplier, params.shift, params.output_zero_point),
  )
  return _Found((gather, joined, i), matrix, graph.ops[gather].inputs[0], i)


_FORMS: tuple[Callable[[StageGraph, int], _Found | None], ...] = (
  _constant_times_map,
  _of_transposed_map,
  _gathered_and_summed,
)


def _only_maker(graph: StageGraph, m: int) -> int | None:
  """Who makes a map that nobody else sees than its one reader."""
  if graph.maps[m].role is not MapRole.INTERNAL or graph.maps[m].view is not None:
    return None
  readers = sum(op.inputs.count(m) for op in graph.ops)
  return order.producers(graph).get(m) if readers == 1 else None


def _only_reader(graph: StageGraph, i: int) -> int | None:
  """Who reads an operator's map that nobody else sees."""
  (made,) = graph.ops[i].outputs[:1]
  if len(graph.ops[i].outputs) > 1 or _only_maker(graph, made) is None:
    return None
  return order.consumers(graph)[made][0]


def _turns(graph: StageGraph, i: int) -> bool:
  """Whether an operator makes rows of the channels of a map of one column, of int8."""
  op = graph.ops[i]
  if op.kind != Kind.PERMUTE or not isinstance(op.params, records.PermuteParams):
    return False
  source = graph.maps[op.inputs[0]]
  return source.cols == 1 and source.dtype is DType.INT8 and tuple(op.params.order) == _TURNED
