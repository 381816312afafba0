# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Collects the maps and operators of a stage while a region is lowered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from tflm_patch.graph.types import Subgraph
from tflm_patch.planner import limits
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import EIGHT_BITS, feature_shape
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  NotStageable,
  StageGraph,
  StageOp,
  View,
)
from tflm_patch.planner.lowering import joined
from tflm_patch.program.records import MAX_TENSORS, Kind


class SourceOperator(Protocol):
  """What the builder asks of the operator that it appends."""

  @property
  def name(self) -> str: ...

  @property
  def index(self) -> int: ...

  @property
  def macs(self) -> int: ...


@dataclasses.dataclass(frozen=True)
class _Swapped:
  """A map with rows and columns swapped, and what makes one in which they are not."""

  map: int
  copy: Callable[[], None]


class StageBuilder:
  """Collects the maps and operators of one stage."""

  def __init__(self, subgraph: Subgraph, outputs: Sequence[int]) -> None:
    self._subgraph = subgraph
    self._wanted = tuple(outputs)
    self._maps: list[FeatureMap] = []
    self._ops: list[StageOp] = []
    self._steps = 0
    self._map_of: dict[int, int] = {}
    self._swapped: dict[int, _Swapped] = {}
    self._inputs: list[int] = []

  # ---- maps ----

  def read(self, tensor_index: int) -> int:
    """The map of a tensor that is read; a new stage input or constant if unknown."""
    if tensor_index not in self._map_of and tensor_index in self._swapped:
      self._swapped[tensor_index].copy()
    if tensor_index in self._map_of:
      return self._map_of[tensor_index]
    tensor = self._subgraph.tensors[tensor_index]
    shape = feature_shape(tensor)
    assert shape is not None
    if tensor.is_constant:
      index = self._add_map(tensor_index, shape, MapRole.CONSTANT, tensor.array().reshape(shape))
    else:
      index = self._add_map(tensor_index, shape, MapRole.INPUT)
      self._inputs.append(index)
    self._map_of[tensor_index] = index
    return index

  def read_as(self, tensor_index: int, shape: tuple[int, int, int]) -> int:
    """A stage input read under another shape of the same bytes (an NCHW image)."""
    if tensor_index in self._map_of:
      raise NotStageable('a map is read under two shapes')
    index = self._add_map(tensor_index, shape, MapRole.INPUT)
    self._inputs.append(index)
    self._map_of[tensor_index] = index
    return index

  def read_constant(self, tensor_index: int, shape: tuple[int, int, int]) -> int:
    """A constant as a map of another shape of the same bytes, for one reader."""
    values = self._subgraph.tensors[tensor_index].array().reshape(shape)
    return self._add_map(tensor_index, shape, MapRole.CONSTANT, values)

  def shape_of(self, tensor_index: int) -> tuple[int, int, int] | None:
    """Rows, columns and channels of a tensor's own map."""
    if tensor_index in self._map_of:
      return self._maps[self._map_of[tensor_index]].shape
    return feature_shape(self._subgraph.tensors[tensor_index])

  def is_constant(self, tensor_index: int) -> bool:
    """Whether a tensor is a constant."""
    return self._subgraph.tensors[tensor_index].is_constant

  def temporary(
    self, tensor_index: int, shape: tuple[int, int, int], view: View | None = None
  ) -> int:
    """A map of some of a tensor's values, or of all in another shape, beside its own."""
    return self._add_map(tensor_index, shape, MapRole.INTERNAL, view=view)

  def knows(self, tensor_index: int) -> bool:
    """Whether the tensor is made or read already."""
    return tensor_index in self._map_of or tensor_index in self._swapped

  def is_wanted(self, tensor_index: int) -> bool:
    """Whether the stage makes the tensor for operators outside."""
    return tensor_index in self._wanted

  def defer(self, tensor_index: int, map_index: int, copy: Callable[[], None]) -> None:
    """The tensor is a map with rows and columns swapped, for those that ask for `swapped`.

    Args:
      tensor_index: A tensor that is made, not wanted outside.
      map_index: The map: its rows are the tensor's columns.
      copy: Makes the tensor as it is; called when it is read for the first time.
    """
    self._swapped[tensor_index] = _Swapped(map_index, copy)

  def swapped(self, tensor_index: int) -> int | None:
    """The map of a tensor with rows and columns swapped, if there is one."""
    found = self._swapped.get(tensor_index)
    return None if found is None else found.map

  def make(self, tensor_index: int) -> int:
    """A new map for a tensor that the next operator makes."""
    shape = feature_shape(self._subgraph.tensors[tensor_index])
    assert shape is not None
    role = MapRole.OUTPUT if tensor_index in self._wanted else MapRole.INTERNAL
    index = self._add_map(tensor_index, shape, role)
    self._map_of[tensor_index] = index
    return index

  def keep(self, tensor_index: int) -> int:
    """A new map in the stage's state for a tensor that the next operator makes."""
    if tensor_index in self._wanted:
      raise NotStageable('operators outside read rows that the stage keeps')
    shape = feature_shape(self._subgraph.tensors[tensor_index])
    assert shape is not None
    index = self._add_map(tensor_index, shape, MapRole.KEPT)
    self._map_of[tensor_index] = index
    return index

  def alias(self, tensor_index: int, map_index: int) -> None:
    """The tensor is another name for a map: same bytes, other shape."""
    feature_map = self._maps[map_index]
    if tensor_index in self._wanted:
      if feature_map.role == MapRole.INTERNAL:
        self._maps[map_index] = dataclasses.replace(
          feature_map, role=MapRole.OUTPUT, tensor=tensor_index
        )
      else:
        self._copy(tensor_index, map_index)
        return
    self._map_of[tensor_index] = map_index

  def map(self, index: int) -> FeatureMap:
    return self._maps[index]

  def _copy(self, tensor_index: int, map_index: int) -> None:
    source = self._maps[map_index]
    if source.role == MapRole.CONSTANT:
      raise NotStageable('a reshaped tensor would be copied')
    target = self._add_map(
      tensor_index, (source.rows, source.cols, source.channels), MapRole.OUTPUT
    )
    self._map_of[tensor_index] = target
    self._ops.append(
      StageOp(
        kind=Kind.CONCATENATION,
        name=f'COPY {source.name}',
        inputs=(map_index,),
        outputs=(target,),
        steps=source.rows,
        reads=(rows.same_row(source.rows, source.rows),),
      )
    )

  def _add_map(
    self,
    tensor_index: int,
    shape: tuple[int, int, int],
    role: MapRole,
    constant: np.ndarray | None = None,
    view: View | None = None,
  ) -> int:
    tensor = self._subgraph.tensors[tensor_index]
    zero_point = 0
    if tensor.quantization is not None and tensor.dtype in EIGHT_BITS:
      zero_point = tensor.quantization.zero_point
    self._maps.append(
      FeatureMap(
        name=tensor.name,
        rows=shape[0],
        cols=shape[1],
        channels=shape[2],
        dtype=tensor.dtype,
        zero_point=zero_point,
        role=role,
        tensor=tensor_index,
        constant=constant,
        view=view,
      )
    )
    return len(self._maps) - 1

  # ---- operators ----

  def add(self, op: SourceOperator, stage_op: StageOp, moves: bool = False) -> None:
    """Appends what an operator becomes; name, sources and multiply-accumulates are its own.

    Args:
      op: The operator.
      stage_op: What it becomes.
      moves: It only moves what the operator computes or reads.
    """
    self._steps += stage_op.steps
    limits.check_steps(self._steps)
    macs = 0 if moves else op.macs
    self._ops.append(dataclasses.replace(stage_op, name=op.name, macs=macs, graph_ops=(op.index,)))

  def finish(self) -> StageGraph:
    """The stage's graph.

    Raises:
      NotStageable: the stage has no operator, or more tensors than a program may have.
    """
    outputs = []
    for tensor_index in self._wanted:
      index = self._map_of.get(tensor_index)
      if index is None or self._maps[index].role != MapRole.OUTPUT:
        raise NotStageable('an output of the region is not made in it')
      if self._maps[index].tensor != tensor_index:
        raise NotStageable('two outputs of the region share their bytes')
      outputs.append(index)
    if not outputs:
      raise NotStageable('nothing reads what the region computes')
    if not self._ops:
      raise NotStageable('the region computes nothing')
    if not self._inputs:
      raise NotStageable('what the region computes is constant')
    if len(self._inputs) + len(outputs) > MAX_TENSORS:
      raise NotStageable(
        f'a stage has at most {MAX_TENSORS} inputs and outputs, this one would have '
        f'{len(self._inputs)} and {len(outputs)}; split the model where fewer are alive'
      )
    return joined.without_copies(
      StageGraph(tuple(self._maps), tuple(self._ops), tuple(self._inputs), tuple(outputs))
    )
