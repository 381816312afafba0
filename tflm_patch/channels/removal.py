# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Takes channels out of a graph that the outputs do not depend on, and equal ones."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.channels.duplicates import Merges, merges_of
from tflm_patch.channels.family import Kept
from tflm_patch.channels.forward import Forward, analyze
from tflm_patch.channels.groups import Groups
from tflm_patch.channels.readers import live_groups
from tflm_patch.graph.types import Operator, Subgraph, Tensor
from tflm_patch.planner.lowering.operators import REGISTRY

# What a graph's own dictionary keeps between looks, each with the state that it is of.
_SETTLED = '_settled_channels'
_FOLLOWED = '_followed_channels'
_State = tuple[Tensor | Operator, ...]
_MOST_CHANNELS = 1 << 18  # of all maps; memory and time are proportional


@dataclasses.dataclass(frozen=True, eq=False)
class Removal:
  """Channels to be removed, and why.

  Attributes:
    forward: The graph that was looked at.
    kept: What stays.
    constant, unread, equal: How many channels of all tensors go because they are constant,
      because nothing reads them, or because they equal others.
  """

  forward: Forward
  kept: Kept
  constant: int
  unread: int
  equal: int

  @property
  def summary(self) -> str:
    """What goes, in a few words."""
    kinds = ('constant', self.constant), ('unread', self.unread), ('equal to others', self.equal)
    parts = ', '.join(f'{count:,} {kind}' for kind, count in kinds if count)
    return f'{parts} channels of {len(self.kept.channels)} maps removed'


def find(graph: Subgraph) -> Removal | None:
  """What can be removed from a graph in one go, None for nothing.

  A network without weights yet, all of them zeros, is left alone, and so is one of more
  channels than any that fits a microcontroller.
  """
  # Rewrites run until none matches: the graph keeps the state in which nothing did.
  if _is_in(graph, graph.__dict__.get(_SETTLED)):
    return None
  found = None if _is_blank(graph) or _is_huge(graph) else _look(graph)
  if found is None:
    graph.__dict__[_SETTLED] = _state(graph)
  return found


def _state(graph: Subgraph) -> _State:
  return *graph.tensors, *graph.operators


def _is_in(graph: Subgraph, state: _State | None) -> bool:
  """Whether every tensor and operator is the same object as in a state."""
  now = _state(graph)
  return state is not None and len(state) == len(now) and all(a is b for a, b in zip(state, now))


def _forward(graph: Subgraph) -> Forward:
  """The ranges, those that the last removal left where nothing has changed since."""
  state, forward = graph.__dict__.pop(_FOLLOWED, (None, None))
  return forward if forward is not None and _is_in(graph, state) else analyze(graph)


def _look(graph: Subgraph) -> Removal | None:
  forward = _forward(graph)
  groups = Groups(forward)
  live = live_groups(forward, groups)
  if not live.all():
    return _removal(forward, groups, live, None)
  merges = merges_of(forward, groups)
  return None if merges is None else _removal(forward, groups, merges.stays, merges)


def _is_huge(graph: Subgraph) -> bool:
  maps = (each for each in graph.tensors if each.data is None and each.shape)
  return sum(each.shape[-1] for each in maps) > _MOST_CHANNELS


def _is_blank(graph: Subgraph) -> bool:
  weights = [
    graph.tensors[operator.inputs[1]]
    for operator in graph.operators
    if operator.opcode in REGISTRY and REGISTRY[operator.opcode].macs and len(operator.inputs) > 1
  ]
  return not any(each.data is not None and each.data.any() for each in weights)


def _removal(forward: Forward, groups: Groups, stays: np.ndarray, merges: Merges | None) -> Removal:
  channels, live, stands_for = {}, {}, {}
  constant = gone = 0
  for tensor, numbers in groups.of.items():
    keeps = stays[numbers]
    if keeps.all():
      continue
    channels[tensor], live[tensor] = np.flatnonzero(keeps), keeps
    own = np.arange(numbers.size)
    stands_for[tensor] = own if merges is None else merges.stands_for.get(tensor, own)
    gone += int((~keeps).sum())
    constant += int((~keeps & forward.ranges[tensor].constant).sum())
  kept = Kept(channels, live, forward.ranges, stands_for)
  if merges is not None:
    return Removal(forward, kept, 0, 0, gone)
  return Removal(forward, kept, constant, gone - constant, 0)


def apply(removal: Removal) -> None:
  """Rewrites the graph of a removal in place."""
  graph, kept = removal.forward.graph, removal.kept
  rewritten = {}
  for index, step in removal.forward.steps.items():
    if {step.site.target, *step.sources} & kept.channels.keys():
      rewritten[index] = step.family.keep(step.site, kept)
  for index, operator in rewritten.items():
    graph.operators[index] = operator
  for tensor, channels in kept.channels.items():
    old = graph.tensors[tensor]
    shape = (*old.shape[:-1], channels.size)
    graph.tensors[tensor] = dataclasses.replace(old, shape=shape, origin=None)
  # What stays has the values that it had.
  ranges = {
    tensor: kept.ranges[tensor].of(channels, kept.live[tensor][channels])
    for tensor, channels in kept.channels.items()
  }
  graph.__dict__[_FOLLOWED] = _state(graph), removal.forward.after(ranges)
