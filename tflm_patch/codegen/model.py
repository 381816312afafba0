# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What generated code needs to know of a converted model."""

from __future__ import annotations

import dataclasses

from tflm_patch.arena import resource_variables
from tflm_patch.conversion.stage_operator import CUSTOM_NAME, is_stage
from tflm_patch.errors import ModelError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Operator, Tensor
from tflm_patch.program import records as program
from tflm_patch.program.records import Kind


@dataclasses.dataclass(frozen=True)
class StageInfo:
  """A stage of a model.

  Attributes:
    program_at, constants_at: Where the two lie in the file, multiples of 16.
    program_bytes, constants_bytes: Their sizes.
    workspace_bytes: As the program says.
    kinds: Of its operators.
    frame_rows: Height of the frame that its first input brings in bands, None when
      it brings all at once.
  """

  program_at: int
  program_bytes: int
  constants_at: int
  constants_bytes: int
  workspace_bytes: int
  kinds: frozenset[Kind]
  frame_rows: int | None


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
  def kinds(self) -> frozenset[Kind]:
    """Kinds of the operators of all stages."""
    return frozenset().union(*(stage.kinds for stage in self.stages))

  @property
  def frame_rows(self) -> int | None:
    """Height of the frame of a model that takes its input in bands."""
    rows = [stage.frame_rows for stage in self.stages if stage.frame_rows is not None]
    return rows[0] if rows else None

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
  wrong = ModelError(f'{name}: a stage is damaged; convert the original model again')
  constants = [model.main.tensors[i].data for i in op.inputs[-2:] if i >= 0]
  if len(constants) != 2 or any(part is None for part in constants):
    raise wrong
  encoded, packed = (part.tobytes() for part in constants if part is not None)
  if len(encoded) < program.HEADER.size:
    raise wrong
  header = program.HEADER.unpack(encoded)
  if header['magic'] != program.MAGIC:
    raise wrong
  if header['version'] != program.VERSION:
    raise ModelError(
        f'{name}: a stage has format version {header["version"]}, this tflm-patch writes '
        f'{program.VERSION}; convert the original model again'
    )
  if (
      header['program_bytes'] != len(encoded)
      or header['ops'] + program.OP.size * header['n_ops'] > len(encoded)
      or header['maps'] + program.MAP.size * header['n_maps'] > len(encoded)
      or header['edges'] + 2 * header['n_edges'] > len(encoded)
  ):
    raise wrong
  kinds, frame_rows = set(), None
  for i in range(header['n_ops']):
    record = program.OP.unpack(encoded, header['ops'] + program.OP.size * i)
    if record['kind'] not in program.Kind._value2member_map_:
      raise ModelError(
          f'{name}: a stage has an operator of kind {record["kind"]}, unknown to this '
          'tflm-patch; update it'
      )
    kinds.add(Kind(record['kind']))
    if record['kind'] == Kind.FEED:
      edge = record['first_edge'] + record['n_inputs']
      if edge >= header['n_edges']:
        raise wrong
      at = header['edges'] + 2 * edge
      index = int.from_bytes(encoded[at : at + 2], 'little')
      if index >= header['n_maps']:
        raise wrong
      frame = program.MAP.unpack(encoded, header['maps'] + program.MAP.size * index)
      frame_rows = int(frame['rows'])
  return StageInfo(
      program_at=_place(data, encoded, name),
      program_bytes=len(encoded),
      constants_at=_place(data, packed, name),
      constants_bytes=len(packed),
      workspace_bytes=header['workspace_bytes'],
      kinds=frozenset(kinds),
      frame_rows=frame_rows,
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
