# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The demand-driven order of a streamed segment.

To make row r of the last operator, the rows that it reads are made first,
recursively, each no earlier than needed.
"""

from __future__ import annotations

import numpy as np

from tflm_patch.planner.ir.stage_graph import StageGraph, per_graph
from tflm_patch.program.kinds import Role

Step = tuple[int, int]  # operator (index in the stage), step


@per_graph
def producers(graph: StageGraph) -> dict[int, int]:
  """Map index -> operator that makes it."""
  return {m: i for i, op in enumerate(graph.ops) for m in op.outputs}


@per_graph
def consumers(graph: StageGraph) -> dict[int, tuple[int, ...]]:
  """Map index -> operators that read it."""
  readers: dict[int, list[int]] = {}
  for i, op in enumerate(graph.ops):
    for m in set(op.inputs):
      readers.setdefault(m, []).append(i)
  return {m: tuple(r) for m, r in readers.items()}


@per_graph
def spans(graph: StageGraph) -> tuple[tuple[int, int], ...]:
  """Of each map, the first operator that makes a part of it and the last that reads one.

  -1 for what the stage reads; an end before the beginning when nobody reads it.
  """
  made, read = producers(graph), consumers(graph)
  result = []
  for m in range(len(graph.maps)):
    begin = made.get(m, -1)
    end = max(read.get(m, (-1,)))
    for i in read.get(m, ()):
      if graph.ops[i].spec.role is Role.PART:
        end = max(end, *read.get(graph.ops[i].outputs[0], (-1,)))
    if begin >= 0 and graph.ops[begin].spec.role is Role.WHOLE:
      parts = graph.ops[begin].inputs
      begin = min(made[part] for part in parts)
      end = max(end, *(read[part][-1] for part in parts))
    result.append((begin, max(begin, end)))
  return tuple(result)


# Of each operator's inputs that are made in the stage: the operator that makes it, and the
# step of it that each step needs, -1 for none.
_Pulls = tuple[tuple[tuple[int, list[int]], ...], ...]


@per_graph
def _pulls(graph: StageGraph) -> _Pulls:
  made = producers(graph)
  table = []
  for op in graph.ops:
    entries = []
    for m, reads in zip(op.inputs, op.reads):
      if m in made:
        maker = graph.ops[made[m]]
        last = reads.last
        needed = np.where(last >= 0, maker.steps - 1, -1) if maker.accumulates else last
        entries.append((made[m], needed.tolist()))
    table.append(tuple(entries))
  return tuple(table)


def simulate(graph: StageGraph, ops: range) -> tuple[Step, ...]:
  """Runs a segment row by row.

  Args:
    graph: The stage.
    ops: The segment's operators, in execution order.

  Returns:
    Every step of every operator of the segment, in execution order.
  """
  table = _pulls(graph)
  pulls = {i: [each for each in table[i] if each[0] in ops] for i in ops}
  done = dict.fromkeys(ops, 0)
  steps: list[Step] = []

  def advance(i: int, step: int) -> None:
    """Runs operator i up to and including a step."""
    t = done[i]
    while t <= step:
      for maker, needed in pulls[i]:
        if done[maker] <= needed[t]:
          advance(maker, needed[t])
      steps.append((i, t))
      t += 1
      done[i] = t

  *others, main = ends(graph, ops)
  total = graph.ops[main].steps
  for step in range(total):
    advance(main, step)
    # Other ends keep pace, so that what they share with the main end stays short.
    for end in others:
      advance(end, graph.ops[end].steps * (step + 1) // total - 1)
  # Rows that nobody asked for: the tensors they belong to are complete in TFLM, too.
  for i in ops:
    advance(i, graph.ops[i].steps - 1)
  return tuple(steps)


@per_graph
def _first_readers(graph: StageGraph) -> tuple[int, ...]:
  """Of each operator, the first that reads an output of it; the number of operators for none."""
  readers = consumers(graph)
  n = len(graph.ops)
  return tuple(min(readers.get(m, (n,))[0] for m in op.outputs) for op in graph.ops)


def ends(graph: StageGraph, ops: range) -> list[int]:
  """Operators of a segment whose outputs no other of it reads."""
  reader = _first_readers(graph)
  return [i for i in ops if reader[i] >= ops.stop]
