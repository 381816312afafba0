# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of the model builder that have weights or slide a window."""

from __future__ import annotations

import functools

import numpy as np

from support.model_core import ACTIVATIONS, ModelCore, Spread, options, pair
from tflm_patch.graph.types import DType, Quantization, packed_int4

_PADDING = {'SAME': 0, 'VALID': 1}


def window_size(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
  """Output rows or columns of a window; at most 0 when it does not fit."""
  if padding == 'SAME':
    return -(-size // stride)
  return (size - (kernel - 1) * dilation - 1) // stride + 1


def _batches(shape: list[int], longer: list[int]) -> list[int]:
  """All dimensions but the last two, as many as another shape has."""
  return [1] * (len(longer) - len(shape)) + shape[:-2]


class WeightedOps(ModelCore):
  """CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and the pools."""

  LOWEST_WEIGHT = -128  # is among the weights of every operator

  def conv(
    self,
    x: int,
    channels: int,
    kernel: int | tuple[int, int] = 3,
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    padding: str = 'SAME',
    activation: str = 'NONE',
    per_channel: bool = True,
    bias: bool | str = True,
    groups: int = 1,
    like: int | None = None,
    int4: bool = False,
  ) -> int:
    rows, cols = self._window_output(x, kernel, stride, dilation, padding)
    shape = (channels, *pair(kernel), self.shape(x)[3] // groups)
    weights, spread = self._weights(x, shape, 0, per_channel, activation, int4)
    fields = _window_options(stride, dilation, padding, activation)
    return self.add_operator(
      'CONV_2D',
      (x, weights, *self._bias(x, weights, channels, bias)),
      self.activation((1, rows, cols, channels), spread, activation, like, self.dtype(x)),
      options('Conv2DOptions', quantizedBiasType=bias_type(bias), **fields),
      version=3,
    )

  def batch_matmul(self, a: int, b: int, adj_y: bool = False, adj_x: bool = False) -> int:
    """BATCH_MATMUL of two tensors; the last two dimensions of b (and of a) may be swapped."""
    left, right = list(self.shape(a)), list(self.shape(b))
    if adj_x:
      left[-2:] = left[:-3:-1]
    if adj_y:
      right[-2:] = right[:-3:-1]
    depth = left[-1]
    longer = max(left, right, key=len)
    batches = [max(sizes) for sizes in zip(_batches(left, longer), _batches(right, longer))]
    first, second = self.spread(a), self.spread(b)
    squares = (first.mean**2 + first.deviation**2) * (second.mean**2 + second.deviation**2)
    variance = squares - (first.mean * second.mean) ** 2
    spread = Spread(depth * first.mean * second.mean, float(np.sqrt(depth * variance)))
    return self.add_operator(
      'BATCH_MATMUL',
      (a, b),
      self.activation((*batches, left[-2], right[-1]), spread),
      options('BatchMatMulOptions', adjX=adj_x, adjY=adj_y),
    )

  def depthwise(
    self,
    x: int,
    multiplier: int = 1,
    kernel: int | tuple[int, int] = 3,
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    padding: str = 'SAME',
    activation: str = 'NONE',
    per_channel: bool = True,
    bias: bool | str = True,
    like: int | None = None,
    int4: bool = False,
  ) -> int:
    rows, cols = self._window_output(x, kernel, stride, dilation, padding)
    channels = self.shape(x)[3] * multiplier
    shape = (1, *pair(kernel), channels)
    weights, spread = self._weights(x, shape, 3, per_channel, activation, int4)
    fields = _window_options(stride, dilation, padding, activation)
    return self.add_operator(
      'DEPTHWISE_CONV_2D',
      (x, weights, *self._bias(x, weights, channels, bias)),
      self.activation((1, rows, cols, channels), spread, activation, like, self.dtype(x)),
      options('DepthwiseConv2DOptions', depthMultiplier=multiplier, **fields),
      version=3,
    )

  def transpose_conv(
    self,
    x: int,
    channels: int,
    kernel: int | tuple[int, int] = 3,
    stride: int | tuple[int, int] = 2,
    padding: str = 'SAME',
    activation: str = 'NONE',
    per_channel: bool = True,
    bias: bool | str = True,
    size: tuple[int, int] | None = None,
    free_batch: bool = False,
  ) -> int:
    """TRANSPOSE_CONV.

    Args:
      size: Output rows and columns other than Keras makes.
      free_batch: The output shape is computed from the input's, as Keras exports it.
    """
    shape = (channels, *pair(kernel), self.shape(x)[3])
    if size is None:
      rows, cols = (
        n * step + (max(k - step, 0) if padding == 'VALID' else 0)
        for n, k, step in zip(self.shape(x)[1:3], pair(kernel), pair(stride))
      )
    else:
      rows, cols = size
    weights, spread = self._weights(x, shape, 0, per_channel, activation)
    fields = _window_options(stride, None, padding, activation)
    out_shape = (1, rows, cols, channels)
    return self.add_operator(
      'TRANSPOSE_CONV',
      (
        self._computed_shape(x, out_shape) if free_batch else self.int32(list(out_shape)),
        weights,
        x,
        *self._bias(x, weights, channels, bias),
      ),
      self.activation(out_shape, spread, activation, dtype=self.dtype(x)),
      options('TransposeConvOptions', **fields),
      version=4,
    )

  def _computed_shape(self, x: int, shape: tuple[int, ...]) -> int:
    """SHAPE, STRIDED_SLICE and PACK: the input's batch size and known sizes."""
    whole, batch, made = (self.tensor(s, DType.INT32) for s in ((4,), (), (4,)))
    self.add_operator('SHAPE', (x,), whole, options('ShapeOptions', outType=2))
    ends = self.int32([0]), self.int32([1]), self.int32([1])
    fields = options('StridedSliceOptions', shrinkAxisMask=1)
    self.add_operator('STRIDED_SLICE', (whole, *ends), batch, fields)
    sizes = [self.int32(size) for size in shape[1:]]
    fields = options('PackOptions', valuesCount=4, axis=0)
    return self.add_operator('PACK', (batch, *sizes), made, fields)

  def fully_connected(
    self,
    x: int,
    units: int,
    activation: str = 'NONE',
    per_channel: bool = False,
    bias: bool | str = True,
    keep_num_dims: bool = False,
    flatten: bool = True,
    like: int | None = None,
    int4: bool = False,
  ) -> int:
    """A dense layer over all values, or over the last dimension if not `flatten`."""
    shape = self.shape(x)
    inner = int(np.prod(shape)) if flatten else shape[-1]
    outer = int(np.prod(shape)) // inner
    out_shape = (*shape[:-1], units) if keep_num_dims else (outer, units)
    weights, spread = self._weights(x, (units, inner), 0, per_channel, activation, int4)
    return self.add_operator(
      'FULLY_CONNECTED',
      (x, weights, *self._bias(x, weights, units, bias)),
      self.activation(out_shape, spread, activation, like, self.dtype(x)),
      options(
        'FullyConnectedOptions',
        quantizedBiasType=bias_type(bias),
        fusedActivationFunction=ACTIVATIONS[activation],
        keepNumDims=keep_num_dims,
      ),
      version=4,
    )

  def _pool(
    self,
    opcode: str,
    x: int,
    kernel: int | tuple[int, int] = 2,
    stride: int | tuple[int, int] = 2,
    padding: str = 'VALID',
    activation: str = 'NONE',
  ) -> int:
    rows, cols = self._window_output(x, kernel, stride, 1, padding)
    fields = _window_options(stride, None, padding, activation)
    height, width = pair(kernel)
    out_shape = (1, rows, cols, self.shape(x)[3])
    return self.add_operator(
      opcode,
      (x,),
      self.activation(out_shape, self.spread(x), activation, x, self.dtype(x)),
      options('Pool2DOptions', filterHeight=height, filterWidth=width, **fields),
      version=2,
    )

  average_pool = functools.partialmethod(_pool, 'AVERAGE_POOL_2D')
  max_pool = functools.partialmethod(_pool, 'MAX_POOL_2D')

  def _window_output(
    self,
    x: int,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int],
    dilation: int | tuple[int, int],
    padding: str,
  ) -> tuple[int, int]:
    sizes = zip(self.shape(x)[1:3], pair(kernel), pair(stride), pair(dilation))
    rows, cols = (window_size(*each, padding) for each in sizes)
    if rows < 1 or cols < 1:
      raise ValueError(f'a window of {kernel} does not fit into {self.shape(x)}')
    return rows, cols

  def _weights(
    self,
    x: int,
    shape: tuple[int, ...],
    axis: int,
    per_channel: bool,
    activation: str,
    int4: bool = False,
  ) -> tuple[int, Spread]:
    """Weights whose scales give outputs of a deviation that suits the activation."""
    values = np.clip(np.rint(self.rng.normal(0, 45, shape)), -127, 127).astype(np.int8)
    # Corner cases of real models: the lowest value, and a channel that was pruned away.
    values.reshape(-1)[:: max(1, values.size // 5)] = self.LOWEST_WEIGHT
    if int4:
      values >>= 4
    if shape[axis] > 2 and self.rng.random() < 0.2:
      np.moveaxis(values, axis, 0)[1] = 0
    other = tuple(i for i in range(len(shape)) if i != axis)
    squares = (values.astype(np.float64) ** 2).sum(axis=other)
    sums = values.sum(axis=other, dtype=np.float64)
    x_spread = self.spread(x)
    # The mean of the input moves each channel by another amount.
    raw = np.sqrt(x_spread.deviation**2 * squares + x_spread.mean**2 * sums**2)
    target = {'NONE': 2.0, 'RELU': 2.0, 'RELU6': 3.0, 'RELU_N1_TO_1': 0.8}[activation]
    target *= self.rng.uniform(0.7, 1.4)
    common = target / max(float(np.sqrt((raw**2).mean())), 1e-9)
    scales = np.array([common])
    if per_channel:
      # Sums of 64 bits take no multipliers beyond 2^7.
      least = 0.1 * target / common if self.dtype(x) == DType.INT16 else 1e-3
      scales = target * self.rng.uniform(0.5, 1.5, shape[axis]) / np.maximum(raw, least)
    quantization = Quantization(
      scales.astype(np.float32), np.zeros(scales.size, np.int64), axis if per_channel else 0
    )
    if int4:
      index = self.tensor(shape, DType.INT4, quantization, packed_int4(values))
    else:
      index = self.constant(values, DType.INT8, quantization)
    return index, Spread(0.0, target)

  def _bias(self, x: int, weights: int, channels: int, wanted: bool | str) -> tuple[int, ...]:
    """No bias; one of the default type, int64 for int16 activations; or, by name, int32."""
    if not wanted or wanted == 'absent int32':
      return ()
    is_int64 = self.dtype(x) == DType.INT16 and wanted != 'int32'
    scales = self.quantization(weights).scales.astype(np.float64) * self.quantization(x).scale
    real = self.rng.normal(0, 0.7, channels)
    values = np.clip(np.rint(real / scales), -(2**30), 2**30)
    if is_int64:
      values = values * self.rng.choice([1, 1, 1, 64], channels)
    quantization = Quantization(scales.astype(np.float32), np.zeros(scales.size, np.int64))
    return (self.constant(values, DType.INT64 if is_int64 else DType.INT32, quantization),)


def bias_type(bias: bool | str) -> int:
  """TensorType of the accumulators that an operator without bias asks for."""
  return int(DType.INT32 if bias == 'absent int32' else DType.FLOAT32)


def _window_options(
  stride: int | tuple[int, int],
  dilation: int | tuple[int, int] | None,
  padding: str,
  activation: str,
) -> dict[str, int]:
  stride_h, stride_w = pair(stride)
  fields = {
    'padding': _PADDING[padding],
    'strideH': stride_h,
    'strideW': stride_w,
    'fusedActivationFunction': ACTIVATIONS[activation],
  }
  if dilation is not None:
    fields['dilationHFactor'], fields['dilationWFactor'] = pair(dilation)
  return fields
