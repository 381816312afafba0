# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The custom operator `TflmPatchStage` in a graph: making it and reading it back."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from flatbuffers import flexbuffers

from tflm_patch.cost.work import work_of_program
from tflm_patch.graph.types import DType, Model, Operator, Tensor
from tflm_patch.planner.encode_plan import encode_stage
from tflm_patch.planner.stage_plan import StagePlan
from tflm_patch.program import records as program
from tflm_patch.program.decode import ProgramError
from tflm_patch.program.encode import EncodedStage, header_alone
from tflm_patch.version import __version__

CUSTOM_NAME = 'TflmPatchStage'


@dataclasses.dataclass(frozen=True)
class PlannedStage:
  """A region with its plan, ready to be put into the graph.

  Attributes:
    region: Indices of the operators that it replaces, in execution order.
    inputs, outputs: Tensors that the stage operator reads and makes.
    reuse: Positions of inputs whose memory the stage may use.
  """

  region: tuple[int, ...]
  inputs: tuple[int, ...]
  outputs: tuple[int, ...]
  reuse: tuple[int, ...]
  plan: StagePlan

  @functools.cached_property
  def encoded(self) -> EncodedStage:
    """The program and its constants."""
    return encode_stage(self.plan)

  @functools.cached_property
  def outline(self) -> EncodedStage:
    """What stands for them in predictions of memory: it cannot be run."""
    plan = self.plan
    fed = [kind for kind in (program.Kind.FEED,) if any(op.kind == kind for op in plan.graph.ops)]
    header = header_alone(plan.workspace_bytes, plan.state_bytes, fed)
    return EncodedStage(header, bytes(program.ALIGNMENT))


def custom_options(stage: PlannedStage) -> bytes:
  """The FlexBuffer map that viewers show; the kernel reads none of it."""
  fast = {'fast_bytes': stage.plan.fast_bytes} if stage.plan.fast_bytes else {}
  return bytes(
    flexbuffers.Dumps(
      {
        **fast,
        'format_version': program.VERSION,
        'operators': len(stage.region),
        'schedule': ' '.join(
          f'{segment.schedule}:{segment.last_op - segment.first_op}'
          for segment in stage.plan.segments
        ),
        'tool_version': __version__,
        'workspace_bytes': stage.plan.workspace_bytes,
      }
    )
  )


def is_stage(operator: Operator) -> bool:
  """Whether an operator is a stage made by this tool."""
  return operator.opcode == 'CUSTOM' and operator.custom_name == CUSTOM_NAME


def stage_macs(model: Model) -> int:
  """Multiply-accumulates of the stages in a file, as their programs tell; none of damaged ones."""
  main, macs = model.main, 0
  for operator in filter(is_stage, main.operators):
    inputs = operator.inputs[-2:]
    data = main.tensors[inputs[0]].data if len(inputs) == 2 and min(inputs) >= 0 else None
    with contextlib.suppress(ProgramError):
      if data is not None:
        macs += sum(work.macs for work in work_of_program(data.tobytes()))
  return macs


def install_stages(model: Model, stages: Sequence[PlannedStage], outlines: bool = False) -> Model:
  """A copy of the model with regions of its first subgraph replaced by stage operators.

  Args:
    model: The graph that the regions' indices refer to.
    stages: Disjoint regions.
    outlines: Outlines instead of programs, for predictions of memory.

  Returns:
    A new model; tensors that nothing uses any more are still in it.
  """
  subgraph = model.main
  tensors = list(subgraph.tensors)
  replaced = {i for stage in stages for i in stage.region}
  by_last = {stage.region[-1]: (number, stage) for number, stage in enumerate(stages)}
  operators = []
  for index, operator in enumerate(subgraph.operators):
    if index in by_last:
      number, stage = by_last[index]
      constants = []
      encoded = stage.outline if outlines else stage.encoded
      for name, data in (('program', encoded.program), ('constants', encoded.constants)):
        tensors.append(
          Tensor(
            name=f'stage_{number}/{name}',
            shape=(len(data),),
            dtype=DType.UINT8,
            data=np.frombuffer(data, np.uint8),
          )
        )
        constants.append(len(tensors) - 1)
      operators.append(
        Operator(
          opcode='CUSTOM',
          inputs=(*stage.inputs, *constants),
          outputs=stage.outputs,
          custom_name=CUSTOM_NAME,
          custom_options=custom_options(stage),
        )
      )
    elif index not in replaced:
      operators.append(operator)
  main = dataclasses.replace(subgraph, tensors=tensors, operators=operators)
  return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])


def with_workspace(stage: PlannedStage, size: int) -> PlannedStage:
  """A stage that claims another workspace: for predictions, not to be run."""
  return dataclasses.replace(stage, plan=dataclasses.replace(stage.plan, workspace_bytes=size))
