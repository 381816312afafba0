# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What every operator of a stage needs: a view, support rules, a registry.

A support rule is a small function of an `OpView`. It returns None when the
operator obeys, else the values that break it; its docstring is the message that
the user reads and the line in docs/supported_operators.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.planner.ir.shapes import feature_shape

if TYPE_CHECKING:
  from tflm_patch.planner.lowering.builder import StageBuilder

MAX_DIM = 0xFFFF


@dataclasses.dataclass(frozen=True)
class OpView:
  """An operator with its tensors at hand."""

  model: Model
  subgraph: Subgraph
  index: int

  @property
  def operator(self) -> Operator:
    return self.subgraph.operators[self.index]

  @property
  def opcode(self) -> str:
    operator = self.operator
    return operator.custom_name or 'CUSTOM' if operator.opcode == 'CUSTOM' else operator.opcode

  @property
  def name(self) -> str:
    return f'{self.opcode} {self.index}'

  def has_input(self, i: int) -> bool:
    inputs = self.operator.inputs
    return i < len(inputs) and inputs[i] >= 0

  def input(self, i: int = 0) -> Tensor:
    return self.subgraph.tensors[self.operator.inputs[i]]

  def output(self, i: int = 0) -> Tensor:
    return self.subgraph.tensors[self.operator.outputs[i]]

  def integers(self, i: int) -> list[int] | None:
    """The values of an operand that says axes, sizes or pads, which TFLM reads as int32.

    None when it is absent, computed, or of another type.
    """
    if not self.has_input(i) or self.input(i).dtype != DType.INT32:
      return None
    return self.input(i).array().reshape(-1).tolist() if self.input(i).is_constant else None

  @property
  def macs(self) -> int:
    """Multiply-accumulates, of an operator that a stage can hold."""
    count = REGISTRY[self.operator.opcode].macs
    return 0 if count is None else count(self.subgraph, self.subgraph.operators[self.index])

  def option(self, name: str, default: Any = 0) -> Any:
    """A field of the builtin options; the schema's default when there are none."""
    return getattr(self.operator.options, name, default)


@dataclasses.dataclass(frozen=True)
class Violation:
  """A broken rule: its message and the values that broke it."""

  rule: str
  message: str
  values: str

  def __str__(self) -> str:
    return f'a stage needs: {self.message}; here: {self.values}' if self.values else self.message


# Rows and columns; None where an output position reads the whole axis.
CellReads = tuple[AxisWindow | None, AxisWindow | None]
WHOLE: CellReads = (None, None)

Rule = Callable[[OpView], 'str | None']
Reads = Callable[[OpView, Tensor], CellReads]
Macs = Callable[[Subgraph, Operator], int]
Lower = Callable[[OpView, 'StageBuilder'], None]


@dataclasses.dataclass(frozen=True)
class OperatorSpec:
  """How an operator gets into a stage.

  Attributes:
    opcode: Builtin name in the schema.
    rules: Its own support rules, checked after the general ones, in order.
    lower: Appends it to a stage under construction.
    summary: One line for the list of supported operators.
    reads: Which cells of a computed input an output cell is made from; see `cells`.
    macs: Its multiply-accumulates; None without any.
    made_by: The rewrite that makes it, of an operator that no model has.
    state: Positions of inputs that are variables of its own.
    int16_zero_points: Its own rules say which zero points of int16 it takes; without, only 0.
  """

  opcode: str
  rules: tuple[Rule, ...]
  lower: Lower
  summary: str
  reads: Reads
  macs: Macs | None = None
  made_by: str = ''
  state: tuple[int, ...] = ()
  int16_zero_points: bool = False


REGISTRY: dict[str, OperatorSpec] = {}


def of_types(*types: DType) -> Callable[[Rule], Rule]:
  """Names the types of the first computed input that a rule lets pass."""

  def decorate(rule: Rule) -> Rule:
    rule.__dict__['types'] = types
    return rule

  return decorate


def stage_types(opcode: str) -> tuple[DType, ...]:
  """The types that the rules of an operator let pass; none for one that no stage holds."""
  spec = REGISTRY.get(opcode)
  named = [rule.__dict__['types'] for rule in spec.rules if 'types' in vars(rule)] if spec else []
  return tuple(t for t in named[0] if all(t in each for each in named)) if named else ()


def register(
  opcode: str,
  *rules: Rule,
  reads: Reads,
  macs: Macs | None = None,
  made_by: str = '',
  state: tuple[int, ...] = (),
  int16_zero_points: bool = False,
) -> Callable[[Lower], Lower]:
  """Registers the lowering of an operator; its docstring is the summary."""

  def decorate(lower: Lower) -> Lower:
    summary = (lower.__doc__ or '').strip().splitlines()[0]
    REGISTRY[opcode] = OperatorSpec(
      opcode, rules, lower, summary, reads, macs, made_by, state, int16_zero_points
    )
    return lower

  return decorate


# ---- rules that every operator obeys ----


def constraint_static_batch_one(op: OpView) -> str | None:
  """Activations have a known shape with batch 1 and at most 65,535 values per dimension"""
  for tensor in _activations(op):
    shape = feature_shape(tensor)
    if shape is None or min(shape) < 1 or max(shape) > MAX_DIM:
      is_batch = len(tensor.shape) > 1 and tensor.shape[0] > 1
      advice = '; export with batch size 1 (keras.Input(batch_size=1))' if is_batch else ''
      return f'"{tensor.name}" is {list(tensor.shape)}{advice}'
  return None


def constraint_not_variable(op: OpView) -> str | None:
  """No tensor of the operator keeps its value between invocations, but for the state of its own"""
  state = REGISTRY[op.operator.opcode].state
  own = {op.operator.inputs[i] for i in state if op.has_input(i)}
  indices = {i for i in (*op.operator.inputs, *op.operator.outputs) if i >= 0}
  for index in sorted(indices - own):
    tensor = op.subgraph.tensors[index]
    if tensor.is_variable and not tensor.is_constant:
      return f'"{tensor.name}" is a variable'
  return None


def constraint_own_state(op: OpView) -> str | None:
  """State is a variable tensor without first values that no other operator uses"""
  graph = op.subgraph
  for i in REGISTRY[op.operator.opcode].state:
    if not op.has_input(i):
      return f'input {i} is missing'
    tensor, index = op.input(i), op.operator.inputs[i]
    if tensor.is_constant or not tensor.is_variable:
      return f'"{tensor.name}" is {"a constant" if tensor.is_constant else "no variable"}'
    users = sum((*other.inputs, *other.outputs).count(index) for other in graph.operators)
    if users > 1 or index in (*graph.inputs, *graph.outputs):
      return f'"{tensor.name}" is used {users} times'
  return None


def constraint_operands_present(op: OpView) -> str | None:
  """The operator has a first input and its outputs"""
  if not op.has_input(0) or not op.operator.outputs or min(op.operator.outputs) < 0:
    return f'inputs {list(op.operator.inputs)}, outputs {list(op.operator.outputs)}'
  return None


_ZERO_POINTS = {DType.INT8: (-128, 127), DType.UINT8: (0, 255), DType.INT16: (0, 0)}


def constraint_scales_with_zero_points(op: OpView) -> str | None:
  """No tensor has scales but no zero points, which TFLM takes as not quantized"""
  indices = [i for i in op.operator.inputs if i >= 0] + list(op.operator.outputs)
  for tensor in (op.subgraph.tensors[i] for i in indices):
    origin = None if tensor.origin is None else tensor.origin.quantization
    scales = None if origin is None else origin.scale
    if tensor.quantization is None and scales is not None and tensor.dtype in _ZERO_POINTS:
      return f'"{tensor.name}" has {len(scales)} scales; give it zero points'
  return None


def constraint_plausible_quantization(op: OpView) -> str | None:
  """Zero points are in the range of their 8-bit type, 0 for int16 (QUANTIZE takes others, and
  SOFTMAX makes -32768 of int8), and scales 2^-40 to 2^40
  """
  ranges = dict(_ZERO_POINTS)
  if REGISTRY[op.operator.opcode].int16_zero_points:
    ranges[DType.INT16] = (-(1 << 15), (1 << 15) - 1)
  for tensor in _activations(op):
    quantization = tensor.quantization
    if quantization is None or tensor.dtype not in _ZERO_POINTS:
      continue
    low, high = ranges[tensor.dtype]
    points, scales = quantization.zero_points, quantization.scales
    if points.min() < low or points.max() > high:
      return f'"{tensor.name}" has zero point {points[0]}'
    if scales.min() < 2.0**-40 or scales.max() > 2.0**40:
      return f'"{tensor.name}" has scale {scales[0]:g}'
  return None


def constraint_plain_constants(op: OpView) -> str | None:
  """Constants are stored value by value, in types of 8 to 64 bits or int4"""
  for i in range(len(op.operator.inputs)):
    if not op.has_input(i) or not op.input(i).is_constant:
      continue
    tensor = op.input(i)
    if not tensor.is_dense:
      return f'"{tensor.name}" is {tensor.dtype.name}, stored in its own way'
  return None


GENERAL_RULES: tuple[Rule, ...] = (
  constraint_operands_present,
  constraint_plain_constants,
  constraint_static_batch_one,
  constraint_not_variable,
  constraint_scales_with_zero_points,
  constraint_plausible_quantization,
)


def _activations(op: OpView) -> list[Tensor]:
  indices = [i for i in op.operator.inputs if i >= 0] + list(op.operator.outputs)
  tensors = [op.subgraph.tensors[i] for i in indices]
  return [tensor for tensor in tensors if not tensor.is_constant]


# ---- rules that several operators share ----


def quantized_int8(tensor: Tensor) -> bool:
  """Whether a tensor is int8 with one scale and zero point."""
  return (
    tensor.dtype == DType.INT8
    and tensor.quantization is not None
    and tensor.quantization.per_tensor
    and tensor.quantization.scale > 0
    and -128 <= tensor.quantization.zero_point <= 127
  )


@of_types(DType.INT8)
def constraint_int8_activations(op: OpView) -> str | None:
  """Input and output are int8 with one scale and zero point"""
  for tensor in (op.input(), op.output()):
    if not quantized_int8(tensor):
      scales = 0 if tensor.quantization is None else tensor.quantization.scales.size
      return f'"{tensor.name}" is {tensor.dtype.name} with {scales} scales'
  return None


@of_types(DType.INT8, DType.INT16)
def constraint_integer_activations(op: OpView) -> str | None:
  """Input and output are int8 or int16, both the same, with one scale and zero point"""
  if op.input().dtype != DType.INT16:
    return constraint_int8_activations(op)
  for tensor in (op.input(), op.output()):
    if not quantized_int16(tensor):
      return f'"{tensor.name}" is {tensor.dtype.name}'
  return None


def quantized_int16(tensor: Tensor) -> bool:
  """Whether a tensor is int16 as stages hold it: one scale, zero point 0."""
  return (
    tensor.dtype == DType.INT16
    and tensor.quantization is not None
    and tensor.quantization.per_tensor
    and tensor.quantization.scale > 0
    and tensor.quantization.zero_point == 0
  )


def constraint_input_is_activation(op: OpView) -> str | None:
  """The first input is computed at run time"""
  return f'"{op.input().name}" is a constant' if op.input().is_constant else None


def constraint_fused_activation(op: OpView) -> str | None:
  """The fused activation is none, RELU, RELU6 or RELU_N1_TO_1"""
  activation = op.option('fusedActivationFunction', 0)
  return None if activation in (0, 1, 2, 3) else f'activation {activation}'


def constraint_clamp(op: OpView) -> str | None:
  """The bounds of the fused activation over the output scale fit 32 bits"""
  target = op.output().quantization
  if target is None or quantize.has_activation_range(
    op.option('fusedActivationFunction', 0), target.scale, target.zero_point
  ):
    return None
  return f'scale {target.scale:g}'


def constraint_same_quantization(op: OpView) -> str | None:
  """Input and output have the same scale and zero point"""
  a, b = op.input().quantization, op.output().quantization
  if a is None or b is None:
    return None if a is b else 'only one of them is quantized'
  if a.scale != b.scale or a.zero_point != b.zero_point:
    return f'{a.scale:g}/{a.zero_point} and {b.scale:g}/{b.zero_point}'
  return None


def constraint_same_shape(op: OpView) -> str | None:
  """Input and output have the same shape"""
  if op.input().shape != op.output().shape:
    return f'{list(op.input().shape)} and {list(op.output().shape)}'
  return None


def constraint_same_channels(op: OpView) -> str | None:
  """Input and output have the same number of channels"""
  if op.input().shape[-1] != op.output().shape[-1]:
    return f'{op.input().shape[-1]} and {op.output().shape[-1]}'
  return None


def constraint_filter_quantization(op: OpView) -> str | None:
  """Weights are constant int8 with zero point 0, per tensor or per output channel; int4 for int8
  activations in CONV_2D, DEPTHWISE_CONV_2D and, per tensor, FULLY_CONNECTED
  """
  if not op.has_input(1):
    return 'no weights'
  weights = op.input(1)
  quantization = weights.quantization
  dtypes = (DType.INT8, DType.INT4) if takes_int4(op) else (DType.INT8,)
  if not weights.is_constant or weights.dtype not in dtypes or quantization is None:
    kind = 'constant' if weights.is_constant else 'computed'
    return f'"{weights.name}" is {kind} {weights.dtype.name}'
  if not weights.is_dense:
    return f'"{weights.name}" is stored compressed'
  if np.any(quantization.zero_points != 0):
    return f'"{weights.name}" has zero points'
  if np.any(quantization.scales <= 0):
    return f'"{weights.name}" has a scale of zero'
  axis = 3 if op.operator.opcode == 'DEPTHWISE_CONV_2D' else 0
  if len(weights.shape) <= axis:
    return f'"{weights.name}" is {list(weights.shape)}'
  channels = weights.shape[axis]
  if quantization.scales.size not in (1, channels):
    return f'{quantization.scales.size} scales for {channels} channels'
  return None


def takes_int4(op: OpView) -> bool:
  """Whether TFLM's kernel takes int4 weights."""
  if op.input().dtype != DType.INT8:
    return False
  quantization = op.input(1).quantization
  if op.operator.opcode == 'FULLY_CONNECTED':
    return quantization is not None and quantization.per_tensor
  return op.operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D')


def constraint_multiplier(op: OpView) -> str | None:
  """The product of the input scales over the output scale is below 2^30"""
  real = 1.0
  for i in (0, 1):
    quantization = op.input(i).quantization if op.has_input(i) else None
    if quantization is not None:
      real *= float(quantization.scales.max())
  target = op.output().quantization
  real /= 1.0 if target is None else target.scale
  return None if real < 2.0**30 else f'{real:g}'


def constraint_wide_sums(op: OpView) -> str | None:
  """Sums of 64 bits stay below 2^47, and the scales' products over the output's below 2^7"""
  if not sums_are_wide(op):
    return None
  source, weights, target = op.input(), op.input(1), op.output()
  assert source.quantization and weights.quantization and target.quantization
  real = source.quantization.scale * float(weights.quantization.scales.max())
  if real / target.quantization.scale > 127:
    return f'{real / target.quantization.scale:g}'
  per_channel = weights.elements // max(1, output_channels(op))
  largest = per_channel << 22
  if op.has_input(2):
    largest += max((abs(int(value)) for value in op.input(2).array().reshape(-1)), default=0)
  return None if largest < 1 << 47 else f'up to {largest}'


def sums_are_wide(op: OpView) -> bool:
  """Whether TFLM's ConvEval or FullyConnectedEval sums up in 64 bits."""
  if op.input().dtype != DType.INT16:
    return False
  if op.has_input(2):
    return op.input(2).dtype == DType.INT64
  return int(op.option('quantizedBiasType')) != DType.INT32


def output_channels(op: OpView) -> int:
  """Output channels of an operator with weights."""
  return op.output().shape[-1] if op.output().shape else 0


def constraint_scale_ratio(op: OpView) -> str | None:
  """The input scale over the output scale is below 2^22, for int16 2^15"""
  source, target = op.input().quantization, op.output().quantization
  if source is None or target is None:
    return None
  real = source.scale / target.scale
  return None if real < most_rescaling(op) else f'{real:g}'


def most_rescaling(op: OpView) -> float:
  """What a value times its multiplier stays below 2^31 with."""
  return 2.0**15 if op.input().dtype == DType.INT16 else 2.0**22


def constraint_bias(op: OpView) -> str | None:
  """The bias is constant int32, one value per output channel, or absent; with int16 activations
  it is int64 or, but for DEPTHWISE_CONV_2D, int32
  """
  if not op.has_input(2):
    return None
  bias = op.input(2)
  channels = output_channels(op)
  dtypes = [DType.INT32]
  if op.input().dtype == DType.INT16:
    is_depthwise = op.operator.opcode == 'DEPTHWISE_CONV_2D'
    dtypes = [DType.INT64] if is_depthwise else [DType.INT32, DType.INT64]
  if not bias.is_constant or bias.dtype not in dtypes or bias.elements != channels:
    return f'"{bias.name}" is {bias.dtype.name} {list(bias.shape)}'
  return None


def check(op: OpView) -> Violation | None:
  """The first rule that an operator breaks, None when a stage can hold it."""
  spec = REGISTRY.get(op.operator.opcode)
  if spec is None:
    return Violation('operator', f'A stage cannot hold {op.opcode}', '')
  for rule in (*GENERAL_RULES, *spec.rules):
    values = rule(op)
    if values is not None:
      message = ' '.join((rule.__doc__ or '').split())
      return Violation(rule.__name__.removeprefix('constraint_'), message, values)
  return None
