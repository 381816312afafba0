# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs of calls with a repeating pattern become loops.

A call makes `count` rows of a function from row
`base + steps[0] * i0 + steps[1] * i1 + ...` on, with i0 the innermost loop's
variable. A pattern repeats when the same calls follow with rows that are further on
by the same distances each time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence

import numpy as np

_MAX_PERIOD = 512
_LOOP_COST = 1.5  # of a loop's own code, in calls


@dataclasses.dataclass(frozen=True)
class Call:
  """A call; see the module's text."""

  function: int
  base: int
  count: int
  steps: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Loop:
  """A body that runs `times` times."""

  times: int
  body: tuple[Node, ...]


Node = Call | Loop


@dataclasses.dataclass(frozen=True)
class Run:
  """`times` repetitions of `period` items from item `first` on; `period` is that of 1 time, too."""

  first: int
  period: int
  times: int


def compress(nodes: Sequence[Node], outer: int = 0) -> tuple[Node, ...]:
  """Loops for what repeats, around loops and in them, too.

  Args:
    nodes: Code.
    outer: Loops that it stands in.
  """
  found = tuple(nodes)
  while True:
    shorter: list[Node] = []
    for run in repetitions([(node,) for node in found]):
      body = found[run.first : run.first + run.period]
      if run.times == 1:
        shorter += body
      else:
        after = found[run.first + run.period : run.first + 2 * run.period]
        turn = advance(body, after, outer)
        shorter.append(Loop(run.times, compress(turn, outer + 1)))
    if len(shorter) == len(found):
      return found
    found = tuple(shorter)


def advance(body: Sequence[Node], after: Sequence[Node], outer: int = 0) -> tuple[Node, ...]:
  """`body` with one loop more around it, in `outer` others, whose next turn is `after`."""
  return tuple(_advance(a, b, outer) for a, b in zip(body, after))


def _advance(node: Node, after: Node, outer: int) -> Node:
  if isinstance(node, Loop):
    assert isinstance(after, Loop)
    return Loop(node.times, advance(node.body, after.body, outer))
  assert isinstance(after, Call)
  at = len(node.steps) - outer
  steps = (*node.steps[:at], after.base - node.base, *node.steps[at:])
  return dataclasses.replace(node, steps=steps)


def repetitions(items: Sequence[Sequence[Node]]) -> list[Run]:
  """Covers items, one after the other, with repetitions so that little code is left.

  Args:
    items: Each is a list of nodes that stays together.
  """
  n = len(items)
  if n == 0:
    return []
  keys = _numbers([tuple(map(_key, item)) for item in items])
  rows = [np.array([base for node in item for base in _bases(node)], np.int64) for item in items]
  sizes = [sum(map(_size, item)) for item in items]
  best: list[tuple[float, int, int]] = [(0.0, 1, 1)] * (n + 1)
  times = {p: _times(keys, rows, p) for p in range(1, min(_MAX_PERIOD, n // 2) + 1)}
  total = np.concatenate(([0], np.cumsum(sizes)))
  for i in reversed(range(n)):
    best[i] = best[i + 1][0] + sizes[i], 1, 1
    for p, most in times.items():
      if i < len(most) and most[i] > 1:
        k = int(most[i])
        cost = best[i + k * p][0] + float(total[i + p] - total[i]) + _LOOP_COST
        if cost < best[i][0]:
          best[i] = cost, p, k
  runs = []
  i = 0
  while i < n:
    _, period, k = best[i]
    runs.append(Run(i, period, k))
    i += period * k
  return runs


def _times(keys: np.ndarray, rows: Sequence[np.ndarray], period: int) -> np.ndarray:
  """How often the `period` items from each item on come, one after the other."""
  same = keys[:-period] == keys[period:]
  deltas = [rows[i + period] - rows[i] if same[i] else None for i in range(len(same))]
  regular = np.zeros(len(same), bool)
  for i in range(len(same) - period):
    a, b = deltas[i], deltas[i + period]
    regular[i] = a is not None and b is not None and np.array_equal(a, b)
  equal_run, regular_run = _run_lengths(same), _run_lengths(regular)
  # Two turns need equal keys only, each further one equal distances.
  return np.where(
    equal_run < period, 1, np.minimum(equal_run // period + 1, regular_run // period + 2)
  )


def _run_lengths(flags: np.ndarray) -> np.ndarray:
  """How many flags from each on are set."""
  lengths = np.zeros(len(flags) + 1, np.int64)
  for i in reversed(range(len(flags))):
    lengths[i] = lengths[i + 1] + 1 if flags[i] else 0
  return lengths[:-1]


def _numbers(keys: Sequence[Hashable]) -> np.ndarray:
  known: dict[Hashable, int] = {}
  return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def _key(node: Node) -> Hashable:
  if isinstance(node, Loop):
    return ('loop', node.times, *map(_key, node.body))
  return (node.function, node.count, node.steps)


def _bases(node: Node) -> list[int]:
  if isinstance(node, Loop):
    return [base for inner in node.body for base in _bases(inner)]
  return [node.base]


def _size(node: Node) -> float:
  if isinstance(node, Loop):
    return _LOOP_COST + sum(map(_size, node.body))
  return 1.0


def walk(nodes: Sequence[Node], visit: Callable[[Call], None]) -> None:
  """Visits every call of the code, each once however often it runs."""
  for node in nodes:
    if isinstance(node, Loop):
      walk(node.body, visit)
    else:
      visit(node)


def expand(nodes: Sequence[Node], turns: tuple[int, ...] = ()) -> list[tuple[int, int, int]]:
  """The calls in the order in which they run: function, row, count."""
  calls = []
  for node in nodes:
    if isinstance(node, Loop):
      for i in range(node.times):
        calls += expand(node.body, (i, *turns))
    else:
      row = node.base + sum(a * b for a, b in zip(node.steps, turns))
      calls.append((node.function, row, node.count))
  return calls
