# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stage that a spec becomes, put together from what is known of its blocks.

A block's operators look the same to the planner in every spec in which it reads a map
of the same shape. So a block is made a graph, checked and lowered once; of a spec only
the numbers of operators and maps are new. What comes out is what lowering the graph of
the whole spec gives.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from tflm_patch.architecture.graph_builder import PlausibleScales, graph_of
from tflm_patch.architecture.network import Fragment, Network, network_of
from tflm_patch.architecture.spec import Spec
from tflm_patch.conversion import plugins
from tflm_patch.conversion.spec_size import FlashParts, Interface, joined, parts_of
from tflm_patch.planner.ir.stage_graph import FeatureMap, MapRole, StageGraph, StageOp
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.planner.lowering.region import NotStageable, lower_region
from tflm_patch.planner.native.joined_tables import ChainPart, chain_part, join_chain
from tflm_patch.planner.native.stage_tables import StageArrays, stage_arrays


@dataclasses.dataclass(frozen=True, eq=False)
class LoweredFragment:
  """A fragment as the planner sees it.

  Attributes:
    maps: What it makes, numbered from 1 on; 0 is what it reads.
    ops: Numbered from 0 on.
    end: The map that it ends with; 0 when that is what it reads.
    flash: What it takes in flash.
    most_bytes: Of an operator's inputs and outputs together.
    tables: The same as arrays; None without operators.
    input: What it reads.
  """

  maps: tuple[FeatureMap, ...]
  ops: tuple[StageOp, ...]
  end: int
  flash: FlashParts
  most_bytes: int
  tables: ChainPart | None
  input: FeatureMap | None

  @functools.cached_property
  def macs(self) -> int:
    return sum(op.macs for op in self.ops)


@dataclasses.dataclass(frozen=True, eq=False)
class SpecStage:
  """A spec as one stage.

  Attributes:
    parts: Its operators.
    arrays: The stage for the planner's library.
    interface: Shapes of input and output.
    flash: What it takes in flash.
    stock_bytes: That the arena of the stock model is not below.
  """

  parts: tuple[LoweredFragment, ...]
  arrays: StageArrays
  interface: Interface
  flash: FlashParts
  stock_bytes: int

  @functools.cached_property
  def graph(self) -> StageGraph:
    """All operators; not every question about a spec takes it."""
    return _joined(self.parts)

  @property
  def macs(self) -> int:
    return sum(part.macs for part in self.parts)


def stage_of(spec: Spec) -> SpecStage | None:
  """The stage that a spec becomes; None when it does not become one of all its operators.

  Raises:
    SpecError: the spec cannot exist.
  """
  network = network_of(spec)
  if network.head:
    return None
  parts = []
  for fragment in network.fragments:
    lowered = lowered_fragment(fragment)
    if lowered is None:
      return None
    if lowered.ops:
      parts.append(lowered)
  interface = Interface(network.input.shape, network.fragments[-1].output.shape)
  source = parts[0].input
  tables = [part.tables for part in parts if part.tables is not None]
  if source is None or len(tables) != len(parts):
    return None
  return SpecStage(
    tuple(parts),
    join_chain(tables, source.rows, source.row_bytes, source.dtype),
    interface,
    joined([part.flash for part in parts], more_maps=1),
    max(part.most_bytes for part in parts),
  )


def _joined(parts: Sequence[LoweredFragment]) -> StageGraph:
  assert parts[0].input is not None
  maps: list[FeatureMap] = [parts[0].input]
  ops: list[StageOp] = []
  x = 0
  for part in parts:
    base, first = len(maps) - 1, len(ops)
    maps += part.maps
    for op in part.ops:
      number = first + op.graph_ops[0]
      ops.append(
        _renumbered(
          op,
          f'{op.name.partition(" ")[0]} {number}',
          tuple(base + m if m else x for m in op.inputs),
          tuple(base + m for m in op.outputs),
          (number,),
        )
      )
    x = base + part.end if part.end else x
  maps[x] = _output(maps[x])
  return StageGraph(tuple(maps), tuple(ops), (0,), (x,))


def _renumbered(
  op: StageOp,
  name: str,
  inputs: tuple[int, ...],
  outputs: tuple[int, ...],
  graph_ops: tuple[int, ...],
) -> StageOp:
  # Of the same fields: much faster than dataclasses.replace.
  copy = object.__new__(StageOp)
  copy.__dict__.update(op.__dict__)
  copy.__dict__.update(name=name, inputs=inputs, outputs=outputs, graph_ops=graph_ops)
  return copy


@functools.lru_cache(maxsize=1 << 12)
def _output(feature_map: FeatureMap) -> FeatureMap:
  return dataclasses.replace(feature_map, role=MapRole.OUTPUT)


@functools.lru_cache(maxsize=1 << 16)
def _lower(fragment: Fragment) -> StageGraph | None:
  """The stage of a fragment alone; None when a plugin or a stock operator has a part in it."""
  network = Network(fragment.input, (fragment,), (), (fragment.end,))
  model = graph_of(network, PlausibleScales())
  _, changes = plugins.run_plugins(model, _rewrites(), plugins.Context())
  regions = partition(model, model.main).regions
  if changes or len(regions) != 1 or len(regions[0]) != len(model.main.operators):
    return None
  try:
    graph = lower_region(model, model.main, regions[0])
  except NotStageable:
    return None
  return graph if graph.inputs == (0,) and len(graph.outputs) == 1 else None


@functools.cache
def _rewrites() -> tuple[plugins.Registered, ...]:
  """All plugins that know no weights; entry points are looked up once."""
  return plugins.select(()).without_weights().rewrites


@functools.lru_cache(maxsize=1 << 16)
def lowered_fragment(fragment: Fragment) -> LoweredFragment | None:
  """A fragment lowered; None when it does not become a stage of all its operators."""
  if not fragment.layers:
    return LoweredFragment((), (), 0, parts_of((), ()), 0, None, None)
  graph = _lower(fragment)
  if graph is None:
    return None
  maps = tuple(
    dataclasses.replace(feature_map, role=MapRole.INTERNAL)
    if feature_map.role == MapRole.OUTPUT
    else feature_map
    for feature_map in graph.maps[1:]
  )
  most = max(sum(graph.maps[m].bytes for m in {*op.inputs, *op.outputs}) for op in graph.ops)
  parts = dataclasses.replace(parts_of(graph.maps, graph.ops), maps=len(maps))
  arrays, end = stage_arrays(graph, graph.inputs), graph.outputs[0]
  tables = None if arrays is None else chain_part(arrays, end)
  return LoweredFragment(maps, graph.ops, end, parts, most, tables, graph.maps[0])
