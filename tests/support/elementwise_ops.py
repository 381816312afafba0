# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of the model builder that work value by value, and MEAN and SOFTMAX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from support.model_core import ACTIVATIONS, ModelCore, Spread, options, quantized
from tflm_patch.graph.types import DType

_SIGMOID = quantized(1 / 256, -128)
_TANH = quantized(1 / 128, 0)
_LOG = quantized(1 / 16, 127)
_FRACTION = quantized(2.0**-15, 0)  # of int16 maps, of all of these


class ElementwiseOps(ModelCore):
  """Operators with one or two inputs of the same or a broadcast shape."""

  def add(self, a: int, b: int, activation: str = 'NONE') -> int:
    first, second = self.spread(a), self.spread(b)
    spread = Spread(first.mean + second.mean, float(np.hypot(first.deviation, second.deviation)))
    fields = options('AddOptions', fusedActivationFunction=ACTIVATIONS[activation])
    return self._binary('ADD', a, b, spread, activation, fields)

  def sub(self, a: int, b: int, activation: str = 'NONE') -> int:
    first, second = self.spread(a), self.spread(b)
    spread = Spread(first.mean - second.mean, float(np.hypot(first.deviation, second.deviation)))
    fields = options('SubOptions', fusedActivationFunction=ACTIVATIONS[activation])
    return self._binary('SUB', a, b, spread, activation, fields)

  def mul(self, a: int, b: int, activation: str = 'NONE') -> int:
    first, second = self.spread(a), self.spread(b)
    variance = (
      (first.deviation * second.deviation) ** 2
      + (first.mean * second.deviation) ** 2
      + (first.deviation * second.mean) ** 2
    )
    spread = Spread(first.mean * second.mean, variance**0.5)
    fields = options('MulOptions', fusedActivationFunction=ACTIVATIONS[activation])
    return self._binary('MUL', a, b, spread, activation, fields)

  def maximum(self, a: int, b: int) -> int:
    return self._choose('MAXIMUM', a, b)

  def minimum(self, a: int, b: int) -> int:
    return self._choose('MINIMUM', a, b)

  def constant_operand(
    self, shape: Sequence[int], like: int | None = None, dtype: DType = DType.INT8
  ) -> int:
    """A random constant of int8 or int16, for one side of a binary operator."""
    if dtype == DType.INT16:
      index = self.constant(
        self.rng.integers(-(2**15), 2**15, tuple(shape)),
        dtype,
        quantized(2.0**-13, 0) if like is None else self.quantization(like),
      )
      self._spread[index] = Spread(0.0, 2.3)
      return index
    values = self.rng.integers(-128, 128, tuple(shape))
    scale, zero_point = float(self.rng.uniform(0.005, 0.05)), int(self.rng.integers(-128, 128))
    quantization = quantized(scale, zero_point) if like is None else self.quantization(like)
    index = self.constant(values, DType.INT8, quantization)
    mean = (-0.5 - quantization.zero_point) * quantization.scale
    self._spread[index] = Spread(mean, 74 * quantization.scale)
    return index

  def relu(self, x: int) -> int:
    return self.add_operator('RELU', (x,), self._like(x, self.spread(x), 'RELU'))

  def relu6(self, x: int) -> int:
    # TFLM's kernel copies the values: the scale stays.
    return self.add_operator('RELU6', (x,), self._like(x, self.spread(x), 'RELU6', like=x))

  def elu(self, x: int) -> int:
    return self.add_operator('ELU', (x,), self.activation(self.shape(x), self.spread(x)))

  def abs(self, x: int) -> int:
    spread = self.spread(x)
    size = abs(spread.mean) + 0.8 * spread.deviation
    return self.add_operator('ABS', (x,), self._like(x, Spread(size, 0.6 * spread.deviation)))

  def leaky_relu(self, x: int, alpha: float = 0.1) -> int:
    return self.add_operator(
      'LEAKY_RELU', (x,), self._like(x, self.spread(x)), options('LeakyReluOptions', alpha=alpha)
    )

  def rsqrt(self, x: int) -> int:
    """1 / sqrt(x); TFLM wants an x without negative values, of zero point -128."""
    spread = self.spread(x)
    return self.add_operator(
      'RSQRT', (x,), self.activation(self.shape(x), Spread(max(spread.mean, 0.1) ** -0.5, 1.0))
    )

  def prelu(self, x: int, slopes: int) -> int:
    shape = np.broadcast_shapes(self.shape(x), self.shape(slopes))
    return self.add_operator('PRELU', (x, slopes), self.activation(shape, self.spread(x)))

  def hard_swish(self, x: int) -> int:
    return self.add_operator(
      'HARD_SWISH',
      (x,),
      self.activation(self.shape(x), self.spread(x), 'RELU'),
      options('HardSwishOptions'),
    )

  def logistic(self, x: int) -> int:
    return self._fixed('LOGISTIC', x, _SIGMOID, Spread(0.5, 0.25))

  def tanh(self, x: int) -> int:
    return self._fixed('TANH', x, _TANH, Spread(0.0, 0.6))

  def softmax(self, x: int, beta: float = 1.0) -> int:
    spread = Spread(1 / self.shape(x)[-1], 0.2)
    return self._fixed('SOFTMAX', x, _SIGMOID, spread, options('SoftmaxOptions', beta=beta))

  def log_softmax(self, x: int) -> int:
    spread = Spread(-3.0, 2.0)
    return self._fixed('LOG_SOFTMAX', x, _LOG, spread, options('LogSoftmaxOptions'))

  def quantize(self, x: int, dtype: DType = DType.INT8, like: int | None = None) -> int:
    """From float32, or from another scale or type."""
    return self.add_operator(
      'QUANTIZE', (x,), self.activation(self.shape(x), self.spread(x), like=like, dtype=dtype)
    )

  def requantize(self, x: int, dtype: DType, zero_point: int | None = None) -> int:
    """From integers of a scale and zero point to int8, int16 or int32 of another one.

    Args:
      x: The tensor.
      dtype: Of the output.
      zero_point: Of an output of int16, any without; 0 of int32.
    """
    if dtype == DType.INT8:
      return self.quantize(x)
    spread = self.spread(x)
    most = max(abs(spread.mean) + 2.5 * spread.deviation, 1e-6)
    # Of int32 in steps that its consumers scale down.
    steps = {DType.INT16: 2.0**15, DType.INT32: 2.0 ** self.rng.uniform(17, 30)}[dtype]
    zero = 0 if dtype == DType.INT32 else zero_point
    if zero is None:
      zero = int(self.rng.choice([-32768, 0, 32767, int(self.rng.integers(-32768, 32768))]))
    scale = most / steps * (self.rng.choice([0.5, 1.0, 4.0]) if self._wild else 1.5)
    index = self.tensor(self.shape(x), dtype, quantized(float(scale), zero))
    self._spread[index] = spread
    return self.add_operator('QUANTIZE', (x,), index)

  def softmax_int16(self, x: int, beta: float = 1.0) -> int:
    """SOFTMAX of int8 to int16, in the scale that TensorFlow's converter gives it."""
    index = self.tensor(self.shape(x), DType.INT16, quantized(1 / 65535, -(1 << 15)))
    self._spread[index] = Spread(1 / self.shape(x)[-1], 0.2)
    return self.add_operator('SOFTMAX', (x,), index, options('SoftmaxOptions', beta=beta))

  def dequantize(self, x: int) -> int:
    index = self.tensor(self.shape(x), DType.FLOAT32)
    self._spread[index] = self.spread(x)
    return self.add_operator('DEQUANTIZE', (x,), index)

  def mean(self, x: int, axes: Sequence[int] = (1, 2), keep_dims: bool = True) -> int:
    kept, count = self._reduced(x, axes, keep_dims)
    # Values of a channel depend on each other: less than the root of the count is gained.
    spread = Spread(self.spread(x).mean, self.spread(x).deviation / max(1.0, count**0.35))
    target = self.activation(kept, spread, dtype=self.dtype(x))
    return self._reduce('MEAN', x, axes, keep_dims, target)

  def sum(self, x: int, axes: Sequence[int] = (1, 2), keep_dims: bool = True) -> int:
    kept, count = self._reduced(x, axes, keep_dims)
    spread = Spread(self.spread(x).mean * count, self.spread(x).deviation * count**0.65)
    target = self.activation(kept, spread, dtype=self.dtype(x))
    return self._reduce('SUM', x, axes, keep_dims, target)

  def reduce_max(self, x: int, axes: Sequence[int] = (1, 2), keep_dims: bool = True) -> int:
    return self._reduce_like('REDUCE_MAX', x, axes, keep_dims)

  def reduce_min(self, x: int, axes: Sequence[int] = (1, 2), keep_dims: bool = True) -> int:
    return self._reduce_like('REDUCE_MIN', x, axes, keep_dims)

  def arg_max(self, x: int, opcode: str = 'ARG_MAX') -> int:
    """ARG_MAX or ARG_MIN over the last axis."""
    index = self.tensor(self.shape(x)[:-1], DType.INT32)
    self._spread[index] = Spread(self.shape(x)[-1] / 2, self.shape(x)[-1] / 4)
    fields = options('ArgMaxOptions' if opcode == 'ARG_MAX' else 'ArgMinOptions', outputType=2)
    return self.add_operator(opcode, (x, self.int32(-1)), index, fields)

  def l2_normalization(self, x: int) -> int:
    return self._fixed(
      'L2_NORMALIZATION', x, quantized(1 / 128, 0), Spread(0.0, 0.4), options('L2NormOptions')
    )

  def cumsum(self, x: int, axis: int, exclusive: bool = False, reverse: bool = False) -> int:
    count, spread = self.shape(x)[axis], self.spread(x)
    made = Spread(spread.mean * count / 2, spread.deviation * count**0.6 + abs(spread.mean) * count)
    fields = options('CumsumOptions', exclusive=exclusive, reverse=reverse)
    target = self.activation(self.shape(x), made)
    return self.add_operator('CUMSUM', (x, self.int32([axis])), target, fields)

  def cast(self, x: int, dtype: DType) -> int:
    fields = options('CastOptions')
    if dtype == DType.INT8:
      return self.add_operator('CAST', (x,), self.activation(self.shape(x), self.spread(x)), fields)
    index = self.tensor(self.shape(x), dtype)
    self._spread[index] = self.spread(x)
    return self.add_operator('CAST', (x,), index, fields)

  def div(self, a: int, b: int, activation: str = 'NONE') -> int:
    """By a `single`; a step of a gives one to three of the output."""
    divisor = self.quantization(b)
    data = self.tensors[b].data
    assert data is not None
    steps = abs(int(data.view(np.int8)[0]) - divisor.zero_point)
    scale = self.quantization(a).scale / (divisor.scale * steps) * self.rng.uniform(0.35, 0.5)
    target = self.tensor(
      self.shape(a), DType.INT8, quantized(float(scale), int(self.rng.integers(-128, 128)))
    )
    self._spread[target] = Spread(0.0, 74 * scale)
    fields = options('DivOptions', fusedActivationFunction=ACTIVATIONS[activation])
    return self.add_operator('DIV', (a, b), target, fields)

  def single(self, steps: int) -> int:
    """A constant of one value, so many steps from its zero point."""
    zero_point = int(self.rng.integers(-20, 20))
    quantization = quantized(float(self.rng.uniform(0.01, 0.1)), zero_point)
    index = self.constant(np.array([zero_point + steps]), DType.INT8, quantization)
    self._spread[index] = Spread(steps * quantization.scale, 0.1)
    return index

  def add_n(self, *tensors: int) -> int:
    """ADD_N of tensors in the quantization of the first one."""
    mean = sum(self.spread(x).mean for x in tensors)
    deviation = float(np.sqrt(sum(self.spread(x).deviation ** 2 for x in tensors)))
    target = self.activation(self.shape(tensors[0]), Spread(mean, deviation))
    return self.add_operator('ADD_N', tensors, target, options('AddNOptions'))

  def squared_difference(self, a: int, b: int) -> int:
    first, second = self.spread(a), self.spread(b)
    variance = first.deviation**2 + second.deviation**2 + (first.mean - second.mean) ** 2
    fields = options('SquaredDifferenceOptions')
    spread = Spread(variance, 1.5 * variance)
    return self._binary('SQUARED_DIFFERENCE', a, b, spread, 'RELU', fields)

  def _reduced(self, x: int, axes: Sequence[int], keep_dims: bool) -> tuple[list[int], int]:
    """The shape that is left, and how many values go into one."""
    shape = self.shape(x)
    reduced = {axis % len(shape) for axis in axes}
    kept = [1 if i in reduced else size for i, size in enumerate(shape)]
    if not keep_dims:
      kept = [size for i, size in enumerate(shape) if i not in reduced]
    return kept, int(np.prod([shape[i] for i in reduced]))

  def _reduce(self, opcode: str, x: int, axes: Sequence[int], keep_dims: bool, target: int) -> int:
    fields = options('ReducerOptions', keepDims=keep_dims)
    return self.add_operator(opcode, (x, self.int32(list(axes))), target, fields, version=2)

  def _reduce_like(self, opcode: str, x: int, axes: Sequence[int], keep_dims: bool) -> int:
    kept, _ = self._reduced(x, axes, keep_dims)
    return self._reduce(opcode, x, axes, keep_dims, self.activation(kept, self.spread(x), like=x))

  def _like(self, x: int, spread: Spread, activation: str = 'NONE', like: int | None = None) -> int:
    """An output of the input's shape and type."""
    return self.activation(self.shape(x), spread, activation, like, self.dtype(x))

  def _fixed(self, opcode: str, x: int, quantization, spread: Spread, fields=None) -> int:
    if self.dtype(x) == DType.INT16:
      quantization = _FRACTION
    index = self.tensor(self.shape(x), self.dtype(x), quantization)
    self._spread[index] = spread
    return self.add_operator(opcode, (x,), index, fields)

  def _binary(self, opcode: str, a: int, b: int, spread: Spread, activation: str, fields) -> int:
    shape = np.broadcast_shapes(self.shape(a), self.shape(b))
    target = self.activation(shape, spread, activation, dtype=self.dtype(a))
    return self.add_operator(opcode, (a, b), target, fields)

  def _choose(self, opcode: str, a: int, b: int) -> int:
    shape = np.broadcast_shapes(self.shape(a), self.shape(b))
    return self.add_operator(
      opcode,
      (a, b),
      self.activation(shape, self.spread(a), like=a, dtype=self.dtype(a)),
      options('MaximumMinimumOptions'),
    )
