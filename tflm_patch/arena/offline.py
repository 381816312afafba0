# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An offline memory plan where it beats TFLM's own.

TFLM reads offsets of tensors from the metadata `OfflineMemoryAllocation`: words of
32 bits with a format version, the number of subgraphs, the number of tensors, then
an offset for each tensor of each subgraph, -1 where TFLM is to choose. It keeps
those, and puts scratch buffers, which no plan can name, into the gaps. Tensors may
overlap in a plan: the output of an operator that is exact in place lies over its input.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from tflm_patch.arena import greedy, in_place, live_ranges
from tflm_patch.arena.greedy import Requirement
from tflm_patch.arena.packing import Packer
from tflm_patch.arena.predict import predict
from tflm_patch.arena.structs import FIRMWARE_32, Build, align_up
from tflm_patch.arena.tail import BUFFER_ALIGNMENT, Tail
from tflm_patch.graph.types import Model
from tflm_patch.program.decode import is_fed_by_bands

_VERSION = 1
_STAGE = 'TflmPatchStage'
# Which of them are alive together is a table.
_MAX_BUFFERS = 2000


def improve(model: Model, build: Build = FIRMWARE_32, kept: Collection[int] = ()) -> Model:
  """A model with an offline plan, if that makes its head smaller; else the model itself.

  It must be the last change to a model: the plan counts its tensors. A model that
  brings a plan keeps it.

  Args:
    model: The model.
    build: TFLM on the target.
    kept: Tensors of the main subgraph that no operator may write its output over.
  """
  stock = predict(model, build=build)
  if not stock.exact or not _can_plan(model):
    return model
  buffers, requirements = _requirements(model, build)
  if len(requirements) > _MAX_BUFFERS:
    return model
  shared = in_place.shared(model, buffers, kept)
  packer = Packer(requirements, shared)
  if stock.head <= packer.bound:
    return model
  is_tensor = [buffer.tensor is not None for buffer in buffers]

  def head(offsets: Sequence[int]) -> int:
    """What TFLM makes of the tensors' offsets: it places the scratch buffers anew."""
    fixed = [
      dataclasses.replace(each, offset=offset) if keeps else each
      for each, offset, keeps in zip(requirements, offsets, is_tensor)
    ]
    return greedy.peak(fixed, greedy.place(fixed))

  offsets = packer.search(head)
  if shared:  # there may be a better packing without
    offsets = min(offsets, Packer(requirements).search(head), key=head)
  planned = with_plan(
    model,
    {
      (buffer.subgraph, buffer.tensor): offset
      for buffer, offset in zip(buffers, offsets)
      if buffer.tensor is not None
    },
  )
  after = predict(planned, build=build)
  return planned if after.exact and after.head < stock.head else model


def with_plan(model: Model, offsets: dict[tuple[int, int], int]) -> Model:
  """A copy of the model with a plan in its metadata.

  Args:
    model: The model, without a plan.
    offsets: (subgraph, tensor) -> offset; TFLM chooses for the others.
  """
  words = [_VERSION, len(model.subgraphs), sum(len(graph.tensors) for graph in model.subgraphs)]
  words += [
    offsets.get((number, tensor), live_ranges.NEVER)
    for number, graph in enumerate(model.subgraphs)
    for tensor in range(len(graph.tensors))
  ]
  data = np.frombuffer(np.array(words, '<i4').tobytes(), np.uint8)
  return dataclasses.replace(model, metadata=[*model.metadata, (live_ranges.OFFLINE_PLAN, data)])


def _can_plan(model: Model) -> bool:
  """Whether a plan is wanted, and changes nothing but places.

  TFLM looks up whether variables of later subgraphs are planned at the place of the
  first subgraph's tensors. A stage that takes its input in bands keeps its workspace
  from one invocation to the next, which live_ranges within one invocation do not show.
  """
  if any(name == live_ranges.OFFLINE_PLAN for name, _ in model.metadata):
    return False
  if any(tensor.is_variable for graph in model.subgraphs[1:] for tensor in graph.tensors):
    return False
  for graph in model.subgraphs:
    for operator in graph.operators:
      if operator.custom_name == _STAGE and len(operator.inputs) >= 2:
        program = graph.tensors[operator.inputs[-2]].data
        if program is not None and is_fed_by_bands(program.tobytes()):
          return False
  return True


def _requirements(
  model: Model, build: Build
) -> tuple[tuple[live_ranges.LiveRange, ...], list[Requirement]]:
  """The buffers of a model without a plan, as the memory planner sees them."""
  tail = Tail(model, build)
  tail.prepare(None)
  buffers = live_ranges.find(model, tail.scratch, None).buffers
  return buffers, [
    Requirement(align_up(buffer.size, BUFFER_ALIGNMENT), buffer.first, buffer.last)
    for buffer in buffers
  ]
