# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The persistent part of the arena, allocation by allocation.

Persistent memory grows downwards from the end of the arena, which is taken to be
16-byte aligned; every allocation may leave a gap for its alignment. So the order
of the allocations matters, and this module follows TFLM's.

While TFLM prepares a model it also needs memory at the other end: a list of the
scratch requests, the tensors that a kernel looks at in Prepare, and the planner's
own tables. Later all of it makes room for the head, but for a tiny model it can be
more than the head, and then decides how small the arena may be.
"""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.arena import operators
from tflm_patch.arena.live_ranges import NEVER, ScratchRequest
from tflm_patch.arena.structs import Build, align_up, int_array_bytes, layout, size_of
from tflm_patch.graph.types import Model, Operator, Subgraph, Tensor

# Alignment of tensors and of what kernels ask for.
BUFFER_ALIGNMENT = 16
_INT_ALIGNMENT = 4

# The allocator itself and what it allocates once. A recording allocator counts bytes
# and calls, and keeps a record of three numbers for each of seven purposes.
_BUFFER_ALLOCATOR = '8pi'
_RECORDING_BUFFER_ALLOCATOR = '8pi4p'
_MEMORY_PLANNER = 'pii4piipb'
_ALLOCATOR = '5pb3p'
_RECORDING_ALLOCATOR = '5pb3pp(21p)[(3p)]'
_OPTIONS_ALLOCATOR = 'pp'

_SUBGRAPH = 'pp[p]'
_EVAL_TENSOR = 'ppe'
_NODE = '(6pi)p'
_SCRATCH_HANDLE = 'p'
_TENSOR = '(ip)(ii)3peeb'
_QUANTIZATION = 'ppi'
_POINTER = 'p'
_RESOURCE_VARIABLES = 'pii'
_RESOURCE_VARIABLE = '4pb'

_SCRATCH_REQUEST = 'pii'
_SCRATCH_REQUESTS_AHEAD = 12  # room kept for the next operator
_LIFETIME = 'pp3ib'
_PLANNER_BYTES_PER_BUFFER = 40


def stage_operator_bytes(build: Build) -> int:
  """What a stage operator takes of the tail: its node, program, constants and workspace handle."""
  parts = (_NODE, _EVAL_TENSOR, _EVAL_TENSOR, _SCRATCH_HANDLE)
  return sum(size_of(fields, build) for fields in parts)


class Tail:
  """The persistent allocations of a model.

  Attributes:
    used: Bytes so far.
    scratch: The scratch buffers that the operators request on the way.
    unknown: Operators that the table does not know, without repeats.
    required: Bytes of arena that preparing the model takes, at its peak.
  """

  def __init__(self, model: Model, build: Build) -> None:
    self.used = 0
    self.scratch: list[ScratchRequest] = []
    self.unknown: dict[str, None] = {}
    self.required = 0
    self._model = model
    self._build = build

  def prepare(self, plan: Sequence[int] | None) -> None:
    """Allocates what TFLM needs before it plans the head.

    Args:
      plan: Offsets of an offline plan, None without: where it places variable
        tensors they are not persistent.
    """
    self._interpreter()
    self._graph()
    self._operators()
    if self.scratch:
      self._structs(_SCRATCH_HANDLE, len(self.scratch))
    self._variables(plan)

  def finish(self, buffers: int, head: int) -> None:
    """Allocates the rest, after the head.

    Args:
      buffers: Number of buffers that were planned.
      head: Bytes that they take.
    """
    live_ranges = sum(len(subgraph.tensors) for subgraph in self._model.subgraphs)
    live_ranges += len(self.scratch)
    temporary = self._scratch_requests()
    temporary += self._build.pointer_bytes * len(self._model.subgraphs)
    temporary += size_of(_LIFETIME, self._build) * live_ranges
    temporary = align_up(temporary, BUFFER_ALIGNMENT) + _PLANNER_BYTES_PER_BUFFER * buffers
    self._require(temporary)
    if self._model.subgraphs:
      self._interface(self._model.main, self._model.main.inputs)
      self._interface(self._model.main, self._model.main.outputs)
    self._require(head)

  def _require(self, temporary: int) -> None:
    """Notes that so many bytes are in use at the other end of the arena."""
    used = align_up(self.used, BUFFER_ALIGNMENT) + temporary
    self.required = max(self.required, align_up(used, BUFFER_ALIGNMENT))

  def _scratch_requests(self) -> int:
    count = len(self.scratch) + _SCRATCH_REQUESTS_AHEAD
    return size_of(_SCRATCH_REQUEST, self._build) * count

  def _tensors(self, site: operators.Site, times: int) -> int:
    """Bytes of an operator's tensors while it is prepared."""
    total = 0
    for index in site.operator.inputs + site.operator.outputs:
      if index >= 0:
        total += self._tensor(site.subgraph.tensors[index])
    return total * times

  def _tensor(self, tensor: Tensor) -> int:
    size, alignment = layout(_TENSOR, self._build)
    channels = operators.kept_channels(tensor)
    if channels:
      size += align_up(size_of(_QUANTIZATION, self._build) + int_array_bytes(channels), alignment)
    return size

  def _allocate(self, size: int, alignment: int) -> None:
    self.used = align_up(self.used + size, alignment)

  def _buffer(self, size: int) -> None:
    self._allocate(size, BUFFER_ALIGNMENT)

  def _structs(self, fields: str, count: int = 1) -> None:
    size, alignment = layout(fields, self._build)
    self._allocate(size * count, alignment)

  def _interpreter(self) -> None:
    recording = self._build.recording
    self._structs(_RECORDING_BUFFER_ALLOCATOR if recording else _BUFFER_ALLOCATOR)
    self._structs(_MEMORY_PLANNER)
    self._structs(_RECORDING_ALLOCATOR if recording else _ALLOCATOR)
    variables = len(resource_variables(self._model))
    if variables:
      self._buffer(size_of(_RESOURCE_VARIABLES, self._build))
      self._buffer(size_of(_RESOURCE_VARIABLE, self._build) * variables)

  def _graph(self) -> None:
    subgraphs = self._model.subgraphs
    self._structs(_OPTIONS_ALLOCATOR)
    self._structs(_SUBGRAPH, len(subgraphs))
    for subgraph in subgraphs:
      self._structs(_EVAL_TENSOR, len(subgraph.tensors))
    for subgraph in subgraphs:
      self._structs(_NODE, len(subgraph.operators))

  def _operators(self) -> None:
    """The operators' options, then all that Init allocates, then all that Prepare does."""
    sites = []
    for index, subgraph in enumerate(self._model.subgraphs):
      for number, op in enumerate(subgraph.operators):
        memory = operators.find(op)
        if memory is None:
          name = op.custom_name if op.opcode == 'CUSTOM' else op.opcode
          self.unknown[name or op.opcode] = None
        else:
          sites.append((index, number, memory, operators.Site(subgraph, op, self._build)))
    for _, _, memory, _ in sites:
      if memory.options:
        self._structs(memory.options)
    for _, _, memory, _ in sites:
      size = size_of(memory.data, self._build)
      if size:
        self._buffer(size)
    resources = _Resources()
    for index, number, memory, site in sites:
      area = self._scratch_requests()
      for size in memory.prepare(site):
        self._buffer(size)
      for size in memory.scratch(site):
        self.scratch.append(ScratchRequest(index, number, size))
      variable = resources.prepare(index, site)
      if variable is not None:
        self._buffer(variable)
      self._require(area + self._tensors(site, memory.temporaries))

  def _variables(self, plan: Sequence[int] | None) -> None:
    for subgraph in self._model.subgraphs:
      for i, tensor in enumerate(subgraph.tensors):
        # TFLM looks every subgraph's variables up from the start of the plan.
        if tensor.is_variable and (plan is None or plan[i] == NEVER):
          self._buffer(operators.tensor_bytes(tensor))

  def _interface(self, subgraph: Subgraph, tensors: Sequence[int]) -> None:
    """The inputs or outputs as the application sees them."""
    self._buffer(size_of(_POINTER, self._build) * len(tensors))
    for index in tensors:
      self._structs(_TENSOR)
      channels = operators.kept_channels(subgraph.tensors[index])
      if channels:
        self._structs(_QUANTIZATION)
        self._allocate(int_array_bytes(channels), _INT_ALIGNMENT)


def resource_variables(model: Model) -> set[object]:
  """The names of a model's resource variables, which `MicroResourceVariables` has to hold."""
  return {
    variable_name(op)
    for graph in model.subgraphs
    for op in graph.operators
    if op.opcode == 'VAR_HANDLE'
  }


def variable_name(op: Operator) -> tuple[object, object]:
  """What a VAR_HANDLE operator calls its variable: container and name."""
  # No container is the empty one.
  return getattr(op.options, 'container', None) or b'', getattr(op.options, 'sharedName', None)


class _Resources:
  """Resource variables: the first ASSIGN_VARIABLE that meets one allocates it."""

  def __init__(self) -> None:
    self._names: dict[tuple[int, int], object] = {}
    self._allocated: set[object] = set()

  def prepare(self, subgraph: int, site: operators.Site) -> int | None:
    """Bytes that an operator allocates for a variable, None when it allocates none."""
    op = site.operator
    if op.opcode == 'VAR_HANDLE' and op.outputs:
      self._names[subgraph, op.outputs[0]] = variable_name(op)
    elif op.opcode == 'ASSIGN_VARIABLE' and op.inputs:
      name = self._names.get((subgraph, op.inputs[0]))
      value = site.input(1)
      if name is not None and name not in self._allocated and value is not None:
        self._allocated.add(name)
        return operators.tensor_bytes(value)
    return None
