# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What generated code needs to know of a converted model."""

from __future__ import annotations

import dataclasses
import pathlib

from tflm_patch.arena import resource_variables
from tflm_patch.conversion.stage_operator import CUSTOM_NAME, is_stage
from tflm_patch.errors import ModelError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Operator, Tensor
from tflm_patch.program import records as program
from tflm_patch.program.decode import ProgramError, Stage, decode
from tflm_patch.program.records import Kind


@dataclasses.dataclass(frozen=True)
class StageInfo:
  """A stage of a model.

  Attributes:
    program_at, constants_at: Where the two lie in the file, multiples of 16.
    program_bytes, constants_bytes: Their sizes.
    program: Read back.
  """

  program_at: int
  program_bytes: int
  constants_at: int
  constants_bytes: int
  program: Stage

  @property
  def workspace_bytes(self) -> int:
    """As the program says."""
    return self.program.workspace_bytes


@dataclasses.dataclass(frozen=True)
class ModelInfo:
  """A converted model.

  Attributes:
    model: The graph.
    data: The file.
    source: Its name for messages.
    stages: In execution order.
    operators: Pairs of builtin name and, for 'CUSTOM', the custom operator's name,
      without repeats, as TFLM's resolver must know them.
    inputs, outputs: Of the model.
    direct: The stage when it is all of the model: then the stage executor runs it
      without TFLM. None otherwise.
    variables: How many resource variables (VAR_HANDLE) TFLM has to hold.
  """

  model: Model
  data: bytes
  source: str
  stages: tuple[StageInfo, ...]
  operators: tuple[tuple[str, str | None], ...]
  inputs: tuple[Tensor, ...]
  outputs: tuple[Tensor, ...]
  direct: StageInfo | None
  variables: int

  @property
  def shown(self) -> str:
    """The file's name, for comments."""
    return pathlib.PurePath(self.source).name or 'a model'

  @property
  def kinds(self) -> frozenset[Kind]:
    """Kinds of the operators of all stages."""
    return frozenset().union(*(program.kinds for program in self.programs))

  @property
  def programs(self) -> tuple[Stage, ...]:
    """Of all stages, read back."""
    return tuple(stage.program for stage in self.stages)

  @property
  def fast_bytes(self) -> int:
    """That the stages need beside the arena, one after the other; 0 with one memory."""
    return max((program.fast_bytes for program in self.programs), default=0)

  @property
  def frame_rows(self) -> int | None:
    """Height of the frame of a model that takes its input in bands."""
    rows = (program.frame_rows for program in self.programs)
    return next((found for found in rows if found is not None), None)

  @property
  def hops(self) -> int | None:
    """Calls that fill the window of a model that takes only its new rows."""
    return next((each.hop_invocations for each in self.programs if each.hop_invocations), None)

  @property
  def can_reset(self) -> bool:
    """Whether an invocation depends on those before it."""
    keeps_rows = any(stage.kept_maps for stage in self.programs)
    return self.frame_rows is not None or keeps_rows or self.variables > 0

  @property
  def band_rows(self) -> int | None:
    """Rows of the frame that one `Invoke()` takes."""
    return None if self.frame_rows is None else self.inputs[0].shape[1]


def describe(data: bytes, source: str = '') -> ModelInfo:
  """Reads what generated code needs of a converted model.

  Args:
    data: A `.tflite` file that `convert` wrote; it is not trusted.
    source: Its name for messages.

  Raises:
    ModelError: it is no model, has no stage, or has a stage of another version.
  """
  model = parse_model(data, source)
  name = source or 'model'
  main = model.main
  found = [op for graph in model.subgraphs for op in graph.operators if is_stage(op)]
  if not found:
    raise ModelError(f'{name}: has no {CUSTOM_NAME} operator; run tflm-patch convert on it first')
  if any(is_stage(op) for graph in model.subgraphs[1:] for op in graph.operators):
    raise ModelError(f'{name}: a stage lies in a called subgraph; convert the model again')
  stages = tuple(_stage(model, op, data, name) for op in found)
  operators = dict.fromkeys(
    (op.opcode, op.custom_name if op.opcode == 'CUSTOM' else None)
    for graph in model.subgraphs
    for op in graph.operators
  )
  only = main.operators[0]
  is_all = (
    len(model.subgraphs) == len(main.operators) == 1
    and only.inputs[:-2] == tuple(main.inputs)
    and only.outputs == tuple(main.outputs)
  )
  return ModelInfo(
    model=model,
    data=data,
    source=source,
    stages=stages,
    operators=tuple(operators),
    inputs=tuple(main.tensors[i] for i in main.inputs),
    outputs=tuple(main.tensors[i] for i in main.outputs),
    direct=stages[0] if is_all else None,
    variables=len(resource_variables(model)),
  )


def _stage(model: Model, op: Operator, data: bytes, name: str) -> StageInfo:
  """A stage's figures; raises ModelError when its program is no program of this version."""
  constants = [model.main.tensors[i].data for i in op.inputs[-2:] if i >= 0]
  if len(constants) != 2 or any(part is None for part in constants):
    raise ModelError(f'{name}: a stage is damaged; convert the original model again')
  encoded, packed = (part.tobytes() for part in constants if part is not None)
  try:
    decoded = decode(encoded, packed)
  except ProgramError as error:
    raise ModelError(f'{name}: {error}; convert the original model again') from error
  return StageInfo(
    program_at=_place(data, encoded, name),
    program_bytes=len(encoded),
    constants_at=_place(data, packed, name),
    constants_bytes=len(packed),
    program=decoded,
  )


def _place(data: bytes, part: bytes, name: str) -> int:
  """The first 16-byte aligned place of a constant in the file."""
  at = data.find(part)
  while at >= 0 and at % program.ALIGNMENT:
    at = data.find(part, at + 1)
  if at < 0:
    raise ModelError(
      f'{name}: the constants of a stage are not 16-byte aligned in the file, so the kernels '
      'would refuse them; convert the original model again'
    )
  return at


def type_code(tensor: Tensor) -> str:
  """The name of a tensor's type in program.h.

  Raises:
    ModelError: stages have no tensors of that type.
  """
  if tensor.dtype not in program.TYPE_CODES:
    raise ModelError(f'tensor "{tensor.name}" is {tensor.dtype.name}; no stage takes that')
  return f'TFLM_PATCH_{DType(tensor.dtype).name}'
