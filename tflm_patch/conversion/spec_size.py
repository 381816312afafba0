# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arena and flash of a spec's stage, by arithmetic on shapes.

Nothing is encoded: sizes of arrays and records say how large the program and the
constants are. Constants count as those of a trained network, where no two are equal.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np

from tflm_patch.architecture.graph_builder import per_tensor
from tflm_patch.arena import ArenaPrediction, offline, predict
from tflm_patch.conversion.judge import DEFAULT_GOAL
from tflm_patch.conversion.stage_operator import CUSTOM_NAME
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.ir.stage_graph import FeatureMap, StageOp
from tflm_patch.planner.stage_plan import PlanSize
from tflm_patch.program import records as program
from tflm_patch.program.constants import ConstantPool
from tflm_patch.program.encode import encode_params, header_alone
from tflm_patch.program.fields import record_of
from tflm_patch.program.records import Kind

Shape = tuple[int, ...]
_Array = tuple[int, int]  # bytes, alignment
_SCHEDULE_BYTES = 10  # of a segment in the custom options, as text
_WEIGHTS_ALIGNMENT = 16
_WORD = 4
# Looked up once: a record counts its bytes anew each time.
_HEADER_BYTES, _MAP_BYTES, _OP_BYTES = (
  record.size for record in (program.HEADER, program.MAP, program.OP)
)
_SEGMENT_BYTES, _STEP_BYTES = program.SEGMENT.size, program.STEP.size


@dataclasses.dataclass(frozen=True)
class Interface:
  """The input and the output of a model of one stage.

  Attributes:
    input, output: Shapes of int8 tensors.
  """

  input: Shape
  output: Shape

  @functools.cached_property
  def tensor_bytes(self) -> int:
    """Of both, as the planner counts them."""
    return int(np.prod(self.input)) + int(np.prod(self.output))


@functools.lru_cache(maxsize=1 << 14)
def arena_of(interface: Interface, workspace_bytes: int) -> ArenaPrediction:
  """The arena of a model of one stage with a workspace of so many bytes."""
  build = DEFAULT_GOAL.build
  return predict(offline.improve(_skeleton(interface, workspace_bytes), build), build=build)


@functools.lru_cache(maxsize=1 << 12)
def workspace_within(interface: Interface, arena_bytes: int) -> int | None:
  """The largest workspace with which TFLM needs at most `arena_bytes`; None for none."""
  low, high = -1, max(0, arena_bytes // program.ALIGNMENT)
  while low < high:
    middle = (low + high + 1) // 2
    if arena_of(interface, middle * program.ALIGNMENT).required <= arena_bytes:
      low = middle
    else:
      high = middle - 1
  return None if low < 0 else low * program.ALIGNMENT


@functools.lru_cache(maxsize=1 << 10)
def file_overhead(interface: Interface) -> int:
  """Bytes of a file of one stage besides program, constants and the text of its schedule."""
  model = _skeleton(interface, 0)
  constants = sum(tensor.data.size for tensor in model.main.tensors if tensor.data is not None)
  return len(serialize_model(model)) - constants


def _skeleton(interface: Interface, workspace_bytes: int) -> Model:
  """A model of one stage of which only the sizes are right."""
  data = header_alone(workspace_bytes)
  tensors = [
    Tensor('input', interface.input, DType.INT8, quantization=per_tensor(0.1, 0)),
    Tensor('output', interface.output, DType.INT8, quantization=per_tensor(0.1, 0)),
    Tensor('stage_0/program', (len(data),), DType.UINT8, np.frombuffer(data, np.uint8)),
    Tensor('stage_0/constants', (16,), DType.UINT8, np.zeros(16, np.uint8)),
  ]
  options = bytes(100)  # about as many as `custom_options` writes besides the schedule
  stage = Operator('CUSTOM', (0, 2, 3), (1,), custom_name=CUSTOM_NAME, custom_options=options)
  return Model([Subgraph(tensors, [stage], (0,), (1,), name='main')], description='spec')


@dataclasses.dataclass(frozen=True)
class FlashParts:
  """What operators take in flash besides the steps of their program.

  Attributes:
    constant_bytes: Of their constants, as they lie in flash.
    growth: The same where they begin 0, 1 .. 15 bytes after a multiple of 16.
    ops, maps, edges: How many there are.
    record_bytes: Of their parameters.
  """

  constant_bytes: int
  growth: tuple[int, ...]
  ops: int
  maps: int
  edges: int
  record_bytes: int


def parts_of(maps: Sequence[FeatureMap], ops: Sequence[StageOp]) -> FlashParts:
  """The parts of operators.

  Args:
    maps: That the operators' numbers mean.
    ops: The operators.
  """
  arrays = [array for op in ops for array in arrays_of(op, maps)]
  growth = tuple(_laid_out(arrays, begin) for begin in range(_WEIGHTS_ALIGNMENT))
  return FlashParts(
    growth[0],
    growth,
    len(ops),
    len(maps),
    sum(len(op.inputs) + len(op.outputs) for op in ops),
    sum(_record_bytes(op) for op in ops),
  )


def _laid_out(arrays: Sequence[_Array], begin: int) -> int:
  """Bytes of arrays one after the other, from `begin` on."""
  size = begin
  for array, alignment in arrays:
    size += -size % alignment + array
  return size - begin


def joined(parts: Sequence[FlashParts], more_maps: int) -> FlashParts:
  """The parts of all operators, and of so many maps more; it is no part of others."""
  size = 0
  for part in parts:
    size += part.growth[size % _WEIGHTS_ALIGNMENT]
  return FlashParts(
    size,
    (),
    sum(part.ops for part in parts),
    sum(part.maps for part in parts) + more_maps,
    sum(part.edges for part in parts),
    sum(part.record_bytes for part in parts),
  )


def _record_bytes(op: StageOp) -> int:
  return 0 if op.params is None else -(-record_of(type(op.params)).size // _WORD) * _WORD


def arrays_of(op: StageOp, maps: Sequence[FeatureMap]) -> Iterator[_Array]:
  """Size and alignment of the arrays that an operator keeps in flash, in order."""
  source, target = maps[op.inputs[0]], maps[op.outputs[0]]
  weights = _weights(op, source, target)
  if weights is not None:
    channels = target.channels
    yield 4 * channels, 4  # biases
    yield 4 * channels, 4  # multipliers
    yield channels, 1  # shifts
    yield weights, _WEIGHTS_ALIGNMENT
  elif op.kind not in _WITHOUT_CONSTANTS:
    pool = _Sizes()
    encode_params(op.params, pool)
    yield from pool.arrays


_WITHOUT_CONSTANTS = (
  Kind.ADD,
  Kind.MUL,
  Kind.MEAN,
  Kind.AVERAGE_POOL_2D,
  Kind.MAX_POOL_2D,
  Kind.RESHAPE,
)


def _weights(op: StageOp, source: FeatureMap, target: FeatureMap) -> int | None:
  """Bytes of an operator's weights; None for one without."""
  if op.kind == Kind.FULLY_CONNECTED:
    return source.rows * source.cols * source.channels * target.channels
  if op.kind not in (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D) or op.window is None:
    return None
  taps = op.window[0].kernel * op.window[1].kernel
  inputs = source.channels if op.kind == Kind.CONV_2D else 1
  return taps * inputs * target.channels


class _Sizes(ConstantPool):
  """Notes sizes; equal arrays count as often as they come."""

  def __init__(self) -> None:
    super().__init__()
    self.arrays: list[_Array] = []

  def add(self, array: np.ndarray, alignment: int = 4) -> int:
    self.arrays.append((array.nbytes, alignment))
    return 0


def program_of(parts: FlashParts, steps: int, segments: int) -> int:
  """Bytes of a program of so many steps and segments."""
  size = _HEADER_BYTES + _MAP_BYTES * parts.maps + _OP_BYTES * parts.ops
  size += -(-2 * parts.edges // _WORD) * _WORD
  size += _SEGMENT_BYTES * segments + _STEP_BYTES * steps
  return -(-size // _WORD) * _WORD + parts.record_bytes


def least_file(interface: Interface, parts: FlashParts) -> int:
  """Bytes that the converted file of no plan is below."""
  return file_of(interface, parts, PlanSize(0, 1, parts.ops))


def most_file(interface: Interface, parts: FlashParts, steps: int) -> int:
  """Bytes that the converted file of no plan is above; `steps` are those of all operators."""
  return file_of(interface, parts, PlanSize(0, parts.ops, steps))


def stage_file(parts: FlashParts, size: PlanSize) -> int:
  """Bytes that a stage with a plan of this size takes of the converted file."""
  text = _SCHEDULE_BYTES * size.segments
  return program_of(parts, size.steps, size.segments) + parts.constant_bytes + text


def file_of(interface: Interface, parts: FlashParts, size: PlanSize) -> int:
  """Bytes of the converted file of one stage with a plan of this size."""
  return file_overhead(interface) + stage_file(parts, size)
