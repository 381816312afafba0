# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""When the tensors and scratch buffers of a model are alive.

TFLM counts scopes: 0 is the time before the first operator, and every operator
opens one more. A subgraph that an operator calls is planned inside that
operator's scope and opens scopes of its own, so all subgraphs share one arena.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.arena import operators
from tflm_patch.graph.types import Model, Operator, Subgraph

OFFLINE_PLAN = 'OfflineMemoryAllocation'
NEVER = -1  # a scope that never came; also "choose" in an offline plan

_COMPRESSED = 'COMPRESSION_METADATA'
_OFFLINE_HEADER_WORDS = 3  # version, subgraph, number of tensors
# A model that calls subgraphs deeper, or runs longer, than these is not one that
# TFLM can prepare; the walk stops there.
_MAX_DEPTH = 32
_MAX_SCOPES = 1 << 18

# The option that names each called subgraph.
_CALLS = {
  'IF': ('thenSubgraphIndex', 'elseSubgraphIndex'),
  'WHILE': ('condSubgraphIndex', 'bodySubgraphIndex'),
  'CALL_ONCE': ('initSubgraphIndex',),
}


@dataclasses.dataclass(frozen=True)
class ScratchRequest:
  """A scratch buffer that an operator asked for.

  Attributes:
    subgraph, operator: Whose it is.
    size: Bytes.
  """

  subgraph: int
  operator: int
  size: int


@dataclasses.dataclass(frozen=True)
class LiveRange:
  """A buffer that the memory planner is given.

  Attributes:
    subgraph: Its subgraph.
    tensor: Index of the tensor, None for a scratch buffer.
    operator: The operator that a scratch buffer belongs to, None for a tensor.
    size: Bytes.
    first, last: Scopes; NEVER for a tensor that is not used.
    offset: From an offline plan, None without.
  """

  subgraph: int
  tensor: int | None
  operator: int | None
  size: int
  first: int
  last: int
  offset: int | None


@dataclasses.dataclass(frozen=True)
class LiveRangeTable:
  """All buffers of a model.

  Attributes:
    buffers: In the order in which TFLM adds them to its planner.
    callers: Of every scope after the first, the main subgraph's operator that it belongs to.
    is_complete: The walk did not have to stop early.
  """

  buffers: tuple[LiveRange, ...]
  callers: tuple[int, ...]
  is_complete: bool


def offline_plan(model: Model) -> tuple[Sequence[int] | None, bool]:
  """The offsets in the model's offline plan, one for every tensor of every subgraph.

  Returns:
    The offsets, None when there is no usable plan, and whether TFLM takes what there is.
  """
  count = sum(len(subgraph.tensors) for subgraph in model.subgraphs)
  plan = None
  for name, data in model.metadata:
    if name != OFFLINE_PLAN:
      continue
    words = np.frombuffer(data[: data.size // 4 * 4].tobytes(), '<i4')
    if words.size < _OFFLINE_HEADER_WORDS + count or words[2] != count:
      return None, False
    plan = words[_OFFLINE_HEADER_WORDS:][:count].tolist()
  return plan, True


def is_compressed(model: Model) -> bool:
  """Whether TFLM decompresses tensors of the model."""
  return any(name == _COMPRESSED for name, _ in model.metadata)


def find(
  model: Model, scratch: Sequence[ScratchRequest], plan: Sequence[int] | None
) -> LiveRangeTable:
  """The buffers of a model, with their live_ranges.

  Args:
    model: The model.
    scratch: Scratch buffers in the order of the requests.
    plan: Offsets of an offline plan, None without.
  """
  walk = _Walk(model, scratch)
  if model.subgraphs:
    walk.visit(0, depth=0)

  buffers = []
  position = 0
  for index, subgraph in enumerate(model.subgraphs):
    handles = {
      tensor for op in subgraph.operators if op.opcode == 'VAR_HANDLE' for tensor in op.outputs
    }
    resolved = _resolved_bytes(subgraph)
    first, last = walk.first[index], walk.last[index]
    for i, tensor in enumerate(subgraph.tensors):
      offset = None if plan is None or plan[position] == NEVER else plan[position]
      position += 1
      # A resource handle's tensor points to the id in the kernel's own memory.
      if tensor.data is not None or i in handles or (tensor.is_variable and offset is None):
        continue
      size = resolved.get(i)
      if size is None:
        size = operators.tensor_bytes(tensor)
      if size or tensor.is_variable:
        buffers.append(LiveRange(index, i, None, size, first[i], last[i], offset))
  for request, span in zip(scratch, walk.scratch):
    buffers.append(
      LiveRange(request.subgraph, None, request.operator, request.size, *span, offset=None)
    )
  return LiveRangeTable(tuple(buffers), tuple(walk.callers), walk.is_complete)


def _resolved_bytes(subgraph: Subgraph) -> dict[int, int]:
  """Sizes of tensors whose shape the file leaves open (-1) and RESHAPE fills in."""
  resolved: dict[int, int] = {}
  for op in subgraph.operators:
    if op.opcode != 'RESHAPE' or not op.inputs or not op.outputs:
      continue
    source, result = op.inputs[0], op.outputs[0]
    if min(source, result) >= 0 and -1 in subgraph.tensors[result].shape:
      known = resolved.get(source)
      resolved[result] = (
        operators.tensor_bytes(subgraph.tensors[source]) if known is None else known
      )
  return resolved


class _Walk:
  """Marks the scopes in which each buffer is used, in the order of execution."""

  def __init__(self, model: Model, scratch: Sequence[ScratchRequest]) -> None:
    self.model = model
    self.callers: list[int] = []
    self.is_complete = True
    self.first = [[NEVER] * len(subgraph.tensors) for subgraph in model.subgraphs]
    self.last = [[NEVER] * len(subgraph.tensors) for subgraph in model.subgraphs]
    self.scratch = [(NEVER, NEVER)] * len(scratch)
    self._requests: dict[tuple[int, int], list[int]] = {}
    for i, request in enumerate(scratch):
      self._requests.setdefault((request.subgraph, request.operator), []).append(i)

  @property
  def scope(self) -> int:
    return len(self.callers)

  def visit(self, index: int, depth: int) -> None:
    subgraph = self.model.subgraphs[index]
    first, last = self.first[index], self.last[index]

    def create(tensor: int) -> None:
      if first[tensor] == NEVER:
        first[tensor] = self.scope

    for tensor in subgraph.inputs:
      create(tensor)
      last[tensor] = self.scope
    for number, op in enumerate(subgraph.operators):
      self.callers.append(self.callers[-1] if depth else number)
      start = self.scope
      for tensor in op.outputs:
        if tensor >= 0:
          create(tensor)
      self._call(op, depth)
      for tensor in op.inputs + op.outputs:
        if tensor >= 0:
          last[tensor] = self.scope
      for request in self._requests.get((index, number), ()):
        begin = self.scratch[request][0]
        self.scratch[request] = (start if begin == NEVER else begin, self.scope)
    for tensor in subgraph.outputs:
      create(tensor)
      last[tensor] = self.scope

  def _call(self, op: Operator, depth: int) -> None:
    for name in _CALLS.get(op.opcode, ()):
      callee = getattr(op.options, name, NEVER)
      is_endless = depth >= _MAX_DEPTH or self.scope >= _MAX_SCOPES
      if is_endless or not 0 <= callee < len(self.model.subgraphs):
        self.is_complete = False
      else:
        self.callers.append(self.callers[-1])
        self.visit(callee, depth + 1)
