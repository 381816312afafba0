# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Squeeze-excite in two passes: the gated map is made twice instead of being held.

A gate multiplies a map by what was computed from the map's own mean, so the
whole map must be there when the gate is known. Made once, streamed, for the mean
and again, streamed, for the product, it never has to be whole; what it is made
from, a narrower map, is read twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tflm_patch.planner.ir.stage_graph import FeatureMap, MapRole, StageGraph, StageOp
from tflm_patch.planner.schedule import order
from tflm_patch.program.kinds import Role
from tflm_patch.program.records import Kind

# The chain of operators that is run again begins at a map of at most this part.
_NARROW = 0.5


@dataclasses.dataclass(frozen=True)
class Gate:
  """A product that may have its map made again.

  Attributes:
    op: The MUL.
    map: The map that it gates.
    chain: The operators that make it again, in order.
    macs: What that costs.
    saved_bytes: What the map takes more than the one that the chain reads.
  """

  op: int
  map: int
  chain: tuple[int, ...]
  macs: int
  saved_bytes: int


def find_gates(graph: StageGraph) -> list[Gate]:
  """The gates of a stage, those that save the most first."""
  gates = (_gate(graph, i) for i, op in enumerate(graph.ops) if op.kind == Kind.MUL)
  found = [gate for gate in gates if gate is not None and gate.saved_bytes > 0]
  return sorted(found, key=lambda gate: -gate.saved_bytes)


def _gate(graph: StageGraph, i: int) -> Gate | None:
  producer, readers = order.producers(graph), order.consumers(graph)
  op = graph.ops[i]
  for gated, gate in (op.inputs, op.inputs[::-1]):
    source, factor = graph.maps[gated], graph.maps[gate]
    is_vector = factor.rows * factor.cols == 1 < source.rows * source.cols
    if not is_vector or gate not in producer or source.role != MapRole.INTERNAL:
      continue
    if gated not in producer or len(readers[gated]) < 2:
      continue
    chain: list[int] = []
    m = gated
    while m in producer and graph.maps[m].bytes > _NARROW * source.bytes:
      maker = graph.ops[producer[m]]
      if maker.accumulates or len(maker.outputs) != 1 or graph.maps[m].role != MapRole.INTERNAL:
        break
      streamed = [k for k in maker.inputs if graph.maps[k].role != MapRole.CONSTANT]
      if len(streamed) != 1 or maker.spec.role is Role.FEED:
        break
      chain.insert(0, producer[m])
      m = streamed[0]
    # What is read again must not come and go: a frame that is fed by rows does.
    if chain and not _is_fed(graph, m):
      macs = sum(graph.ops[k].macs for k in chain)
      return Gate(i, gated, tuple(chain), macs, source.bytes - graph.maps[m].bytes)
  return None


def _is_fed(graph: StageGraph, m: int) -> bool:
  maker = order.producers(graph).get(m)
  return maker is not None and graph.ops[maker].spec.role is Role.FEED


def make_again(graph: StageGraph, gates: Iterable[Gate]) -> StageGraph:
  """A graph in which the maps of these gates are made a second time for the product."""
  maps: list[FeatureMap] = list(graph.maps)
  ops: list[StageOp] = []
  by_op = {gate.op: gate for gate in gates}
  for i, op in enumerate(graph.ops):
    gate = by_op.get(i)
    if gate is not None:
      again: dict[int, int] = {}
      for k in gate.chain:
        maker = graph.ops[k]
        made = maker.outputs[0]
        maps.append(dataclasses.replace(graph.maps[made], name=f'{graph.maps[made].name}/again'))
        again[made] = len(maps) - 1
        ops.append(
          dataclasses.replace(
            maker,
            name=f'{maker.name} again',
            inputs=tuple(again.get(m, m) for m in maker.inputs),
            outputs=(again[made],),
          )
        )
      op = dataclasses.replace(op, inputs=tuple(again.get(m, m) for m in op.inputs))
    ops.append(op)
  return StageGraph(tuple(maps), tuple(ops), graph.inputs, graph.outputs)
