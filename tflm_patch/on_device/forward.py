# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The forward pass of a training step: frozen operators as stages, the others one by one."""

from __future__ import annotations

import dataclasses

from tflm_patch.codegen.compiler import stages_of
from tflm_patch.conversion import pipeline
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph import edit
from tflm_patch.graph.types import Model, Operator
from tflm_patch.on_device.network import Network
from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.planner.encode_plan import encode_stage
from tflm_patch.planner.lowering.builder import NotStageable
from tflm_patch.planner.lowering.region import lower_region, region_boundary
from tflm_patch.planner.options import PlanOptions, Schedule
from tflm_patch.planner.search import StageSearch
from tflm_patch.program.decode import Stage, decode


@dataclasses.dataclass(frozen=True, eq=False)
class ForwardStage:
  """A stage that is computed.

  Attributes:
    stage: The program, read back.
    operator: Its tensors; the last two inputs are the program and its constants.
    indices: Of the operators in it, in order; empty for frozen operators.
  """

  stage: Stage
  operator: Operator
  indices: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Frozen:
  """The operators before the first trained one, converted.

  Attributes:
    model: With stages only, or without operators.
    stages: In order.
    tensors: Of the network's boundary and inputs -> of this model.
  """

  model: Model
  stages: tuple[ForwardStage, ...]
  tensors: dict[int, int]


def convert_frozen(network: Network, options: TrainingOptions) -> Frozen:
  """Converts the operators before the first trained one.

  Raises:
    TflmPatchError: stages cannot hold all of them; says which.
  """
  main = network.model.main
  operators = main.operators[: network.first]
  read = {t for op in operators for t in op.inputs}
  inputs = tuple(t for t in main.inputs if t in read)
  outputs = tuple(t for t in network.boundary if t not in main.inputs)
  if not operators or not outputs:
    return Frozen(network.model, (), {t: t for t in main.inputs})
  subgraph = dataclasses.replace(
    main, operators=list(operators), inputs=inputs, outputs=outputs, tensors=list(main.tensors)
  )
  model = dataclasses.replace(
    network.model, subgraphs=[subgraph], signatures=[], origin=None, trailer=b'', metadata=[]
  )
  convert = dataclasses.replace(
    options.convert,
    force_stage=True,
    input_rows=options.input_rows,
    # Trained operators may read the input, too.
    keep_input=bool(set(inputs) & set(network.boundary)),
  )
  converted = pipeline.plan(model, convert).model
  where = network.model.source or 'model'
  stages = tuple(
    ForwardStage(stage, operator) for stage, operator in stages_of(converted.main, where)
  )
  if any(stage.stage.state_bytes for stage in stages):
    raise TflmPatchError(f'{where}: keeps rows between inferences; such models are not trained')
  made = dict(zip((*inputs, *outputs), (*converted.main.inputs, *converted.main.outputs)))
  return Frozen(converted, stages, made)


def regions(network: Network) -> tuple[tuple[int, ...], ...]:
  """The operators from the first trained one on, in stages.

  Inverted bottlenecks are one, or all but the expansion, so that their wide maps are never whole;
  where trained weights need these maps, and all others, are by themselves.
  """
  found: list[tuple[int, ...]] = []
  at, end = network.first, len(network.model.main.operators)
  while at < end:
    size = next((n for n in (3, 2) if _is_block(network, range(at, min(at + n, end)), n)), 1)
    found.append(tuple(range(at, at + size)))
    at += size
  return tuple(found)


def _is_block(network: Network, indices: range, size: int) -> bool:
  """Whether operators are a depthwise convolution and a projection, after an expansion or not."""
  if len(indices) != size:
    return False
  kinds = ('CONV_2D', 'DEPTHWISE_CONV_2D', 'CONV_2D')[-size:]
  main = network.model.main
  for number, index in enumerate(indices):
    view, update = network.view(index), network.updates.get(index)
    if view.opcode != kinds[number] or not view.input(1).is_constant:
      return False
    is_last = number == size - 1
    tensor = view.operator.outputs[0]
    if not is_last and (
      edit.readers(main, tensor) != [index + 1] or tensor in (*main.outputs, network.output)
    ):
      return False
    if view.opcode == 'CONV_2D' and view.input(1).shape[1:3] != (1, 1):
      return False
    if update is not None and update.input_channels:
      is_whole = len(update.input_channels) == view.input(1).shape[-1]
      if number > 0 or view.opcode != 'CONV_2D' or not is_whole:
        return False
  return True


def stage_of(network: Network, indices: tuple[int, ...]) -> ForwardStage:
  """Operators from the first trained one on as a stage of their own.

  Raises:
    TflmPatchError: a stage cannot hold them.
  """
  main = network.model.main
  schedule = Schedule.LAYER if len(indices) == 1 else Schedule.AUTO
  try:
    graph = lower_region(network.model, main, indices)
    options = PlanOptions(schedule=schedule, brief=True)
    plan = StageSearch(graph, (), options).smallest()
  except NotStageable as reason:
    view = network.view(indices[0])
    raise TflmPatchError(f'{view.name} cannot be computed in training: {reason}') from None
  encoded = encode_stage(plan)
  inputs, outputs = region_boundary(main, indices)
  operator = Operator('CUSTOM', (*inputs, -1, -1), outputs)
  return ForwardStage(decode(encoded.program, encoded.constants), operator, indices)
