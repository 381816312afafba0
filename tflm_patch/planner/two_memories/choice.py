# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What lies in the fast memory: line buffers, scratch, and maps that are accessed often.

Everything that may lie there saves so many cycles for each of its bytes; what saves most
comes first, as long as all that is alive at once fits. Scratch that an operator could do
without is worth what it saves, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tflm_patch.cost import CostTable, predict_operator
from tflm_patch.cost.memories import Memories
from tflm_patch.cost.traffic import Traffic, operator_traffic
from tflm_patch.cost.work import OperatorWork
from tflm_patch.planner.laid_out import Candidate
from tflm_patch.planner.memory import layout, sharing
from tflm_patch.planner.memory.layout import Item
from tflm_patch.planner.schedule.live_ranges import LiveRanges, Timeline
from tflm_patch.planner.two_memories import accesses

# Rounds in which gains are reckoned again with what the round before has chosen.
_ROUNDS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class FastItem:
  """Something that may lie in the fast memory.

  Attributes:
    item: Its memory, in the one shape that it would have there.
    buffer: Which of the candidate's buffers it is; None for spare scratch.
    op: Whose spare scratch it is.
  """

  item: Item
  buffer: int | None = None
  op: int | None = None

  @property
  def bytes(self) -> int:
    return self.item.slot_bytes * len(self.item.rows.made)


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
  """What is to lie in the fast memory.

  Attributes:
    items: The most useful first.
    cycles: What the stage is predicted to take then.
  """

  items: tuple[FastItem, ...]
  cycles: float


class Chooser:
  """Chooses for one list of segments.

  Args:
    candidate: The segments and what they need.
    work: Of the operators, each with all scratch that helps it.
    memories: Of the target.
    table: Costs of its core.
  """

  def __init__(
    self, candidate: Candidate, work: Sequence[OperatorWork], memories: Memories, table: CostTable
  ) -> None:
    self._candidate = candidate
    self._graph = candidate.graph
    self._work = work
    self._memories = memories
    self._table = table
    self._length = candidate.buffers.length
    self._shared = sharing.sharers(candidate.graph, candidate.cuts)
    self._waits = memories.slow_cycles - memories.fast_cycles
    buffers = candidate.buffers.buffers
    self._buffer_of = {
      m: b
      for b, buffer in enumerate(buffers)
      if buffer.map is not None
      for m in (buffer.map, *(guest for guest, _ in buffer.guests))
    }
    self._buffers = [FastItem(buffer.ring, b) for b, buffer in enumerate(buffers)]
    self._spare = list(self._spare_items())

  def choose(self) -> Choice:
    """The best of some rounds."""
    best: Choice | None = None
    granted = {item.op: item.bytes for items in self._spare for item in items[:1]}
    fast: set[int] = set()
    for _ in range(_ROUNDS):
      chosen = self._round(granted, fast)
      granted = {item.op: item.bytes for item in chosen if item.op is not None}
      fast = {item.buffer for item in chosen if item.buffer is not None}
      found = Choice(tuple(chosen), self._cycles(granted, fast))
      if best is not None and found.cycles >= best.cycles:
        break
      best = found
    assert best is not None
    return best

  def without_limit(self) -> float:
    """Cycles where everything lies in fast memory, the stage's tensors too."""
    granted = {item.op: item.bytes for items in self._spare for item in items[:1]}
    works = self._granted(granted)
    return sum(self._own_cycles(work) for work in works)

  def _spare_items(self) -> Iterator[list[FastItem]]:
    """Of each operator that is faster with scratch, what it may get, the best first."""
    steps = [step for part in self._candidate.steps for step in part]
    timeline = Timeline(self._graph, steps)
    for i, op in enumerate(self._graph.ops):
      if op.scratch_bytes or not op.spare_scratch:
        continue
      first, last = timeline.span(i)
      live = LiveRanges(np.array([first]), np.array([last]))
      yield [FastItem(Item(n, (live,), layout.ALIGNMENT), op=i) for n in op.spare_scratch]

  def _granted(self, granted: dict[int | None, int]) -> list[OperatorWork]:
    """The work with this scratch, and what operators cannot do without."""
    return [
      work
      if self._graph.ops[i].scratch_bytes
      else dataclasses.replace(work, scratch_bytes=granted.get(i, 0))
      for i, work in enumerate(self._work)
    ]

  def _own_cycles(self, work: OperatorWork) -> float:
    return predict_operator(work, self._table)

  def _slow(self, op: int, traffic: Traffic, fast: set[int]) -> float:
    """Cycles that an operator waits for maps in the arena."""
    found = accesses.by_map(self._graph, op, traffic)
    waiting = sum(count for m, count in found.items() if self._is_slow(m, fast))
    return waiting * self._waits

  def _is_slow(self, m: int, fast: set[int]) -> bool:
    if self._graph.maps[m].constant is not None:
      return False
    return self._buffer_of.get(m) not in fast

  def _cycles(self, granted: dict[int | None, int], fast: set[int]) -> float:
    total = 0.0
    for i, work in enumerate(self._granted(granted)):
      traffic = operator_traffic(work)
      total += self._own_cycles(work) + self._slow(i, traffic, fast)
      total += traffic.weights * (self._memories.weights_cycles - 1)
    for b, buffer in enumerate(self._candidate.buffers.buffers):
      if buffer.op is not None and b not in fast:
        total += self._scratch_accesses(self._work, buffer.op) * self._waits
    return total

  def _scratch_accesses(self, works: Sequence[OperatorWork], op: int) -> float:
    """To what an operator has for itself, or shares with others."""
    return sum(operator_traffic(works[i]).scratch for i in self._shared.get(op, (op,)))

  def _round(self, granted: dict[int | None, int], fast: set[int]) -> list[FastItem]:
    gains = self._gains(granted, fast)
    order = sorted(gains, key=lambda each: -each[0] / each[1].bytes)
    held = np.zeros(self._length, np.int64)
    chosen: list[FastItem] = []
    served: set[int] = set()
    for _, item in order:
      if item.op is not None and item.op in served:
        continue
      first, alive = _profile(item.item, self._length)
      part = held[first : first + alive.size]
      if int((part + alive).max(initial=0)) > self._memories.fast_bytes:
        continue
      part += alive
      chosen.append(item)
      if item.op is not None:
        served.add(item.op)
    return chosen

  def _gains(self, granted: dict[int | None, int], fast: set[int]) -> list[tuple[float, FastItem]]:
    """What each thing saves, without those that save nothing."""
    works = self._granted(granted)
    touched = [0.0] * len(self._buffers)
    for i, work in enumerate(works):
      traffic = operator_traffic(work)
      for m, count in accesses.by_map(self._graph, i, traffic).items():
        if m in self._buffer_of:
          touched[self._buffer_of[m]] += count
    for b, buffer in enumerate(self._candidate.buffers.buffers):
      if buffer.op is not None:
        touched[b] += self._scratch_accesses(works, buffer.op)
    gains = [(count * self._waits, self._buffers[b]) for b, count in enumerate(touched)]
    for items in self._spare:
      for item in items:
        assert item.op is not None
        gains.append((self._spare_gain(item.op, item.bytes, fast), item))
    return [each for each in gains if each[0] > 0]

  def _spare_gain(self, op: int, size: int, fast: set[int]) -> float:
    def cost(scratch: int) -> float:
      work = dataclasses.replace(self._work[op], scratch_bytes=scratch)
      traffic = operator_traffic(work)
      waits = traffic.weights * (self._memories.weights_cycles - 1)
      waits += traffic.scratch * (self._memories.fast_cycles - 1)
      return self._own_cycles(work) + self._slow(op, traffic, fast) + waits

    return cost(0) - cost(size)


def _profile(item: Item, length: int) -> tuple[int, np.ndarray]:
  """From when on how many bytes of an item are alive."""
  live = item.rows
  made = np.clip(live.made, 0, length - 1)
  last = np.clip(live.last, 0, length - 1)
  first, end = int(made[0]), int(last.max()) + 1
  change = np.bincount(made - first, minlength=end - first + 1).astype(np.int64)
  change -= np.bincount(last + 1 - first, minlength=end - first + 1)
  return first, np.cumsum(change)[: end - first] * item.slot_bytes
