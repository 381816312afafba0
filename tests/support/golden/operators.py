# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""golden_cases.h: single operators as the TFLM interpreter computes them.

Each case is a model of one operator with random weights and inputs, run in the
interpreter of the tflite-micro wheel. test_golden.c runs the same case through
the stage executor and compares every byte.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
import tflite_micro
from ai_edge_litert import schema_py_generated as schema

from support.golden.c_text import TOP, array, c_float, fields
from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.operators.softmax_table import exp_table

_TYPES = {
  np.dtype(np.int8): schema.TensorType.INT8,
  np.dtype(np.uint8): schema.TensorType.UINT8,
  np.dtype(np.int32): schema.TensorType.INT32,
  np.dtype(np.float32): schema.TensorType.FLOAT32,
}


@dataclasses.dataclass(frozen=True)
class Spec:
  """A tensor of a single-operator model; `data` makes it a constant."""

  shape: tuple[int, ...]
  dtype: Any = np.int8
  scales: Sequence[float] = ()
  zero_point: int = 0
  axis: int = 0
  data: np.ndarray | None = None


def single_operator(opcode: int, options: Any, inputs: Sequence[Spec], output: Spec) -> bytes:
  """A model whose first input is its only activation.

  Args:
    opcode: BuiltinOperator of the schema.
    options: The operator's options object or None.
    inputs: All inputs of the operator.
    output: Its output.

  Returns:
    The flatbuffer.
  """
  model = schema.ModelT()
  model.version = 3
  model.buffers = [schema.BufferT()]
  graph = schema.SubGraphT()
  graph.tensors = []
  for spec in [*inputs, output]:
    tensor = schema.TensorT()
    tensor.shape = list(spec.shape)
    tensor.type = _TYPES[np.dtype(spec.dtype)]
    if len(spec.scales):
      tensor.quantization = schema.QuantizationParametersT()
      tensor.quantization.scale = np.asarray(spec.scales, np.float32)
      tensor.quantization.zeroPoint = np.full(len(spec.scales), spec.zero_point, np.int64)
      tensor.quantization.quantizedDimension = spec.axis
    if spec.data is not None:
      buffer = schema.BufferT()
      buffer.data = np.frombuffer(np.ascontiguousarray(spec.data).tobytes(), np.uint8)
      tensor.buffer = len(model.buffers)
      model.buffers.append(buffer)
    graph.tensors.append(tensor)
  code = schema.OperatorCodeT()
  code.builtinCode = opcode
  code.deprecatedBuiltinCode = min(opcode, 127)
  code.version = 1
  model.operatorCodes = [code]
  operator = schema.OperatorT()
  operator.inputs = list(range(len(inputs)))
  operator.outputs = [len(inputs)]
  if options is not None:
    name = type(options).__name__[:-1]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
    operator.builtinOptions = options
  graph.operators = [operator]
  graph.inputs = [0]
  graph.outputs = [len(inputs)]
  model.subgraphs = [graph]
  builder = flatbuffers.Builder(1024)
  builder.Finish(model.Pack(builder), b'TFL3')
  return bytes(builder.Output())


def run(model: bytes, value: np.ndarray) -> np.ndarray:
  """The output of TFLM's reference kernels."""
  interpreter = tflite_micro.runtime.Interpreter.from_bytes(model, arena_size=1 << 22)
  interpreter.set_input(value, 0)
  interpreter.invoke()
  return interpreter.get_output(0)


@dataclasses.dataclass(frozen=True)
class Window:
  """Kernel, stride and dilation as (rows, columns)."""

  kernel: tuple[int, int]
  stride: tuple[int, int] = (1, 1)
  dilation: tuple[int, int] = (1, 1)
  same: bool = True

  def output(self, size: int, axis: int) -> tuple[int, int]:
    """Output size and padding before, as TFLite computes them."""
    kernel, stride = self.kernel[axis], self.stride[axis]
    reach = (kernel - 1) * self.dilation[axis] + 1
    if not self.same:
      return (size - reach) // stride + 1, 0
    out = -(-size // stride)
    return out, max((out - 1) * stride + reach - size, 0) // 2


@dataclasses.dataclass(frozen=True)
class Weighted:
  """A case of CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED, ready for C."""

  name: str
  kind: str
  shape: tuple[int, int, int]
  out_shape: tuple[int, int, int]
  window: Window
  pads: tuple[int, int]
  groups: int  # or the depth multiplier
  input_zero_point: int
  output_zero_point: int
  clamp: tuple[int, int]
  weights: np.ndarray
  bias: np.ndarray  # folded
  multipliers: np.ndarray
  shifts: np.ndarray
  input: np.ndarray
  output: np.ndarray


def weighted(
  name: str,
  kind: str,
  shape: tuple[int, int, int],
  channels: int,
  window: Window = Window((1, 1)),
  groups: int = 1,
  activation: int = 0,
  per_channel: bool = True,
  seed: int = 0,
) -> Weighted:
  """Makes a case and runs it; `groups` is the depth multiplier of a depthwise case."""
  rng = np.random.default_rng(seed)
  rows, cols, depth = shape
  (out_rows, top), (out_cols, left) = window.output(rows, 0), window.output(cols, 1)
  input_scale, output_scale = float(np.float32(0.031)), float(np.float32(0.07))
  input_zero_point, output_zero_point = (int(x) for x in rng.integers(-100, 100, 2))
  # Sums of about as many standard deviations as fill the output's range.
  if kind == 'conv_2d':
    weight_shape: tuple[int, ...] = (channels, *window.kernel, depth // groups)
    opcode, axis, taps = schema.BuiltinOperator.CONV_2D, 0, weight_shape[1:]
    options = schema.Conv2DOptionsT()
  elif kind == 'depthwise_conv_2d':
    weight_shape = (1, *window.kernel, channels)
    opcode, axis, taps = schema.BuiltinOperator.DEPTHWISE_CONV_2D, 3, weight_shape[1:3]
    options = schema.DepthwiseConv2DOptionsT()
    options.depthMultiplier = groups
  else:
    weight_shape = (channels, rows * cols * depth)
    opcode, axis, taps = schema.BuiltinOperator.FULLY_CONNECTED, 0, weight_shape[1:]
    options = schema.FullyConnectedOptionsT()
    out_rows, out_cols = 1, 1
  if kind != 'fully_connected':
    options.padding = schema.Padding.SAME if window.same else schema.Padding.VALID
    options.strideH, options.strideW = window.stride
    options.dilationHFactor, options.dilationWFactor = window.dilation
  options.fusedActivationFunction = activation

  count = channels if per_channel else 1
  spread = output_scale * 60 / (input_scale * 74 * 74 * float(np.prod(taps)) ** 0.5)
  scales = np.float32(spread * rng.uniform(0.5, 1.5, count))
  weights = rng.integers(-127, 128, weight_shape).astype(np.int8)
  bias = rng.integers(-3000, 3000, channels).astype(np.int32)
  value = rng.integers(-128, 128, (1, *shape)).astype(np.int8)
  is_vector = kind == 'fully_connected'
  in_shape = (1, int(np.prod(shape))) if is_vector else (1, *shape)
  out_shape = (1, channels) if is_vector else (1, out_rows, out_cols, channels)
  model = single_operator(
    opcode,
    options,
    [
      Spec(in_shape, np.int8, [input_scale], input_zero_point),
      Spec(weight_shape, np.int8, scales, 0, axis, weights),
      Spec((channels,), np.int32, input_scale * scales, 0, 0, bias),
    ],
    Spec(out_shape, np.int8, [output_scale], output_zero_point),
  )
  output = run(model, value.reshape(in_shape))

  reduced = tuple(i for i in range(len(weight_shape)) if i != axis)
  folded = bias - input_zero_point * weights.sum(axis=reduced, dtype=np.int64)
  multipliers, shifts = quantize.convolution_multipliers(input_scale, scales, output_scale)
  return Weighted(
    name,
    kind,
    shape,
    (out_rows, out_cols, channels),
    window,
    (top, left),
    groups,
    input_zero_point,
    output_zero_point,
    quantize.activation_range(activation, output_scale, output_zero_point),
    weights,
    folded.astype(np.int32),
    multipliers,
    shifts,
    value,
    output,
  )


def weighted_cases() -> list[Weighted]:
  """One case for each path of the kernels."""
  conv, depthwise, vector = 'conv_2d', 'depthwise_conv_2d', 'fully_connected'
  k3 = (3, 3)
  return [
    weighted('pointwise', conv, (3, 5, 17), 9, seed=1),
    weighted('3x3', conv, (6, 7, 3), 5, Window(k3), activation=1, seed=2),
    weighted('3x3 stride 2', conv, (7, 8, 4), 6, Window(k3, (2, 2)), activation=3, seed=3),
    weighted('valid', conv, (6, 6, 3), 4, Window((4, 2), (1, 2), same=False), seed=4),
    weighted('dilated', conv, (9, 8, 2), 4, Window(k3, dilation=(2, 3)), seed=5),
    weighted('groups', conv, (4, 5, 6), 4, Window(k3), groups=2, seed=6),
    weighted('per tensor', conv, (3, 4, 5), 4, Window(k3), per_channel=False, seed=7),
    weighted('higher than the map', conv, (4, 3, 2), 3, Window((9, 8)), seed=8),
    weighted('depthwise 3x3', depthwise, (5, 6, 19), 19, Window(k3), activation=3, seed=9),
    weighted('depthwise stride 2', depthwise, (7, 5, 6), 6, Window(k3, (2, 2)), seed=10),
    weighted(
      'depthwise 5x4 dilated', depthwise, (8, 9, 4), 4, Window((5, 4), dilation=(1, 2)), seed=11
    ),
    weighted('multiplier 3', depthwise, (4, 5, 4), 12, Window(k3), groups=3, seed=12),
    weighted(
      'multiplier of one channel',
      depthwise,
      (7, 6, 1),
      8,
      Window((4, 3), (2, 2)),
      groups=8,
      seed=13,
    ),
    weighted('vector', vector, (1, 1, 37), 7, seed=14),
    weighted('vector per tensor', vector, (1, 1, 16), 10, activation=1, per_channel=False, seed=15),
    weighted('map', vector, (4, 3, 5), 6, seed=16),
  ]


def softmax(beta: float, scale: float, value: np.ndarray) -> np.ndarray:
  """SOFTMAX of int8 rows [n, channels]."""
  options = schema.SoftmaxOptionsT()
  options.beta = beta
  model = single_operator(
    schema.BuiltinOperator.SOFTMAX,
    options,
    [Spec(value.shape, np.int8, [scale], 3)],
    Spec(value.shape, np.int8, [1 / 256], -128),
  )
  return run(model, value)


def quantized(scale: float, zero_point: int, value: np.ndarray) -> np.ndarray:
  """QUANTIZE of a float32 vector to int8."""
  model = single_operator(
    schema.BuiltinOperator.QUANTIZE,
    schema.QuantizeOptionsT(),
    [Spec(value.shape, np.float32)],
    Spec(value.shape, np.int8, [scale], zero_point),
  )
  return run(model, value)


def dequantized(scale: float, zero_point: int, value: np.ndarray) -> np.ndarray:
  """DEQUANTIZE of an 8-bit vector to float32."""
  model = single_operator(
    schema.BuiltinOperator.DEQUANTIZE,
    schema.DequantizeOptionsT(),
    [Spec(value.shape, value.dtype, [scale], zero_point)],
    Spec(value.shape, np.float32),
  )
  return run(model, value)


def write_weighted() -> None:
  """The cases of the operators with weights."""
  table = ''
  for i, case in enumerate(weighted_cases()):
    print(array('int8_t', f'kInput{i}', case.input))
    print(array('int8_t', f'kWeights{i}', case.weights))
    print(array('int32_t', f'kBias{i}', case.bias))
    print(array('int32_t', f'kMultipliers{i}', case.multipliers))
    print(array('int8_t', f'kShifts{i}', case.shifts))
    print(array('int8_t', f'kOutput{i}', case.output))
    window = case.window
    pairs = (window.kernel, window.stride, window.dilation)
    table += fields(
      {
        'name': f'"{case.name}"',
        'kind': f'TFLM_PATCH_{case.kind.upper()}',
        'shape': case.shape,
        'output_shape': case.out_shape,
        'window': (*pairs[0], *pairs[1], *pairs[2], *case.pads),
        'groups': case.groups,
        'input_zero_point': case.input_zero_point,
        'output_zero_point': case.output_zero_point,
        'act_min': case.clamp[0],
        'act_max': case.clamp[1],
        'weights': f'kWeights{i}',
        'weights_bytes': case.weights.size,
        'bias': f'kBias{i}',
        'multipliers': f'kMultipliers{i}',
        'shifts': f'kShifts{i}',
        'scales': case.multipliers.size,
        'input': f'kInput{i}',
        'output': f'kOutput{i}',
      }
    )
  print(f'static const golden_weighted kWeighted[] = {{\n{table}}};\n')


def write_softmax() -> None:
  """SOFTMAX with narrow, wide and cut-off exponentials."""
  rng = np.random.default_rng(17)
  table = ''
  for i, (beta, scale, channels) in enumerate(
    [(1.0, 0.1, 10), (1.0, 0.0039, 33), (1.0, 1.3, 5), (0.5, 0.02, 300), (3.0, 20.0, 4)]
  ):
    beta, scale = float(np.float32(beta)), float(np.float32(scale))
    value = rng.integers(-128, 128, (3, channels)).astype(np.int8)
    value[2] = rng.integers(-5, 6, channels)
    exponentials, diff_min = exp_table(beta, scale)
    print(array('int32_t', f'kExpTable{i}', exponentials))
    print(array('int8_t', f'kSoftmaxInput{i}', value))
    print(array('int8_t', f'kSoftmaxOutput{i}', softmax(beta, scale, value)))
    table += fields(
      {
        'exp_table': f'kExpTable{i}',
        'diff_min': diff_min,
        'rows': value.shape[0],
        'channels': channels,
        'input': f'kSoftmaxInput{i}',
        'output': f'kSoftmaxOutput{i}',
      }
    )
  print(f'static const golden_softmax kSoftmax[] = {{\n{table}}};\n')


def write_quantize() -> None:
  """QUANTIZE around ties and at the range's ends, DEQUANTIZE of all values."""
  table = ''
  for i, (scale, zero_point) in enumerate([(0.05, -128), (0.1, 3), (1.0, 127)]):
    scale = float(np.float32(scale))
    ties = (np.arange(-150, 150, 7) + 0.5) * scale
    ends = [0.0, -0.0, 8388609.0, -8388609.0, 1e8, -1e8]
    value = np.array([*ties, *(ties * 0.999), *ends], np.float32)
    print(array('float', f'kReal{i}', value))
    print(array('int8_t', f'kQuantized{i}', quantized(scale, zero_point, value)))
    values = np.arange(-128, 128, dtype=np.int8)
    print(array('float', f'kDequantized{i}', dequantized(scale, zero_point, values)))
    table += fields(
      {
        'scale': c_float(scale),
        'zero_point': zero_point,
        'real': f'kReal{i}',
        'n': value.size,
        'quantized': f'kQuantized{i}',
        'dequantized': f'kDequantized{i}',
      }
    )
  print(f'static const golden_quantize kQuantize[] = {{\n{table}}};\n')


def main() -> None:
  """Prints the header."""
  print(TOP)
  write_weighted()
  write_softmax()
  write_quantize()
