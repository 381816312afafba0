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

from tflm_patch.arena import offline, predict
from tflm_patch.conversion.stage_operator import CUSTOM_NAME
from tflm_patch.architecture.graph_builder import per_tensor
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.ir.constants import ConstantPool
from tflm_patch.planner.ir.stage_graph import FeatureMap, StageGraph, StageOp
from tflm_patch.planner.plan import PlanSize
from tflm_patch.program import records as program
from tflm_patch.program.records import Kind

Shape = tuple[int, ...]
_Array = tuple[int, int]  # bytes, alignment
_SCHEDULE_BYTES = 10  # of a segment in the custom options, as text
_WEIGHTS_ALIGNMENT = 16
_WORD = 4


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
def arena_of(interface: Interface, workspace_bytes: int) -> int:
  """The arena of a model of one stage with a workspace of so many bytes."""
  return predict(offline.improve(_skeleton(interface, workspace_bytes))).total


@functools.lru_cache(maxsize=1 << 12)
def workspace_within(interface: Interface, arena_bytes: int) -> int | None:
  """The largest workspace with which the arena is at most `arena_bytes`; None for none."""
  low, high = -1, max(0, arena_bytes // program.ALIGNMENT)
  while low < high:
    middle = (low + high + 1) // 2
    if arena_of(interface, middle * program.ALIGNMENT) <= arena_bytes:
      low = middle
    else:
      high = middle - 1
  return None if low < 0 else low * program.ALIGNMENT


@functools.lru_cache(maxsize=1 << 10)
def file_overhead(interface: Interface) -> int:
  """Bytes of a file of one stage besides program, constants and the text of its schedule."""
  model = _skeleton(interface, 0)
  constants = sum(
      tensor.data.size for tensor in model.main.tensors if tensor.data is not None
  )
  return len(serialize_model(model)) - constants


def _skeleton(interface: Interface, workspace_bytes: int) -> Model:
  """A model of one stage of which only the sizes are right."""
  data = program.HEADER.pack(workspace_bytes=workspace_bytes)
  tensors = [
      Tensor('input', interface.input, DType.INT8, quantization=per_tensor(0.1, 0)),
      Tensor('output', interface.output, DType.INT8, quantization=per_tensor(0.1, 0)),
      Tensor('stage_0/program', (len(data),), DType.UINT8, np.frombuffer(data, np.uint8)),
      Tensor('stage_0/constants', (16,), DType.UINT8, np.zeros(16, np.uint8)),
  ]
  options = bytes(100)  # about as many as `custom_options` writes besides the schedule
  stage = Operator(
      'CUSTOM', (0, 2, 3), (1,), custom_name=CUSTOM_NAME, custom_options=options
  )
  return Model([Subgraph(tensors, [stage], (0,), (1,), name='main')], description='spec')


def constants_of(graph: StageGraph) -> int:
  """Bytes of constants of a stage, as they lie in flash."""
  size = 0
  for op in graph.ops:
    for array, alignment in arrays_of(op, graph.maps):
      size += -size % alignment + array
  return size


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
    op.encode(pool)
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


def program_of(graph: StageGraph, size: PlanSize) -> int:
  """Bytes of a plan's program."""
  return _program(graph, size.steps, size.segments)


def least_program(graph: StageGraph) -> int:
  """Bytes that the program of no plan of a stage is below."""
  return _program(graph, len(graph.ops), 1)


def _program(graph: StageGraph, steps: int, segments: int) -> int:
  edges = sum(len(op.inputs) + len(op.outputs) for op in graph.ops)
  size = program.HEADER.size + program.MAP.size * len(graph.maps)
  size += program.OP.size * len(graph.ops) + -(-2 * edges // _WORD) * _WORD
  size += program.SEGMENT.size * segments + program.STEP.size * steps
  size = -(-size // _WORD) * _WORD
  for op in graph.ops:
    record = program.PARAMETERS.get(Kind(op.kind))
    size += 0 if record is None else -(-record.size // _WORD) * _WORD
  return size


def least_file(interface: Interface, graph: StageGraph, constants: int) -> int:
  """Bytes that the converted file of no plan is below."""
  return file_overhead(interface) + least_program(graph) + constants


def file_of(interface: Interface, graph: StageGraph, size: PlanSize, constants: int) -> int:
  """Bytes of the converted file."""
  text = _SCHEDULE_BYTES * size.segments
  return file_overhead(interface) + program_of(graph, size) + constants + text
