# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Weights, biases and scales of operators of which some channels stay."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph import edit
from tflm_patch.graph.types import DType, Quantization, Subgraph, Tensor, packed_int4

# Of weights: TFLite's specification leaves -128 out.
_LOW, _HIGH = -127, 127


def add_constant(
  graph: Subgraph, like: Tensor, values: np.ndarray, quantization: Quantization | None
) -> int:
  """Adds a constant of another one's name and type, or of int8 where int4 does not do; gives its
  index.
  """
  dtype = like.dtype
  if dtype == DType.INT4 and values.min(initial=0) >= -8 and values.max(initial=0) <= 7:
    data = packed_int4(values)
  else:
    dtype = DType.INT8 if dtype == DType.INT4 else dtype
    data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
  return edit.add_tensor(
    graph,
    dataclasses.replace(
      like, shape=values.shape, dtype=dtype, data=data, quantization=quantization, origin=None
    ),
  )


def kept_scales(quantization: Quantization | None, kept: np.ndarray) -> Quantization | None:
  """The scales of the channels that stay, where each has its own."""
  if quantization is None or quantization.per_tensor:
    return quantization
  points = quantization.zero_points
  return Quantization(
    quantization.scales[kept],
    points[kept] if points.size == quantization.scales.size else points,
    quantization.axis,
  )


def bias_of(graph: Subgraph, tensor: int, channels: int) -> np.ndarray:
  """int64[channels]; zeros where there is none."""
  if tensor < 0:
    return np.zeros(channels, np.int64)
  return graph.tensors[tensor].array().reshape(-1).astype(np.int64)


def add_bias(
  graph: Subgraph, old: int, values: np.ndarray, kept: np.ndarray, source: Tensor, weights: Tensor
) -> int:
  """A bias of the channels that stay; -1 where there was none and none is needed.

  Args:
    graph: Gets the tensor.
    old: The bias before, -1 for none.
    values: int64[channels that stay].
    kept: The channels that stay.
    source, weights: The input and the weights before, whose scales a new bias has.
  """
  data = values.astype('<i4')
  if old >= 0:
    tensor = graph.tensors[old]
    return add_constant(graph, tensor, data, kept_scales(tensor.quantization, kept))
  if not data.any():
    return -1
  scales = kept_scales(weights.quantization, kept)
  assert scales is not None and source.quantization is not None
  # TFLM compares it with the float32 product.
  products = scales.scales * np.float32(source.quantization.scale)
  quantization = Quantization(products, np.zeros(products.size, np.int64))
  named = Tensor(f'{weights.name}/bias', (), DType.INT32)
  return add_constant(graph, named, data, quantization)


def merged(weights: np.ndarray, stands_for: np.ndarray) -> np.ndarray | None:
  """Weights that read channels as others.

  Args:
    weights: int8[outputs, taps, inputs].
    stands_for: int[inputs]: the input that each is read as; its own number for most.

  Returns:
    int8 of the same shape, with zeros for those that are not read any more; None when a sum
    of weights is too large.
  """
  moved = np.flatnonzero(stands_for != np.arange(stands_for.size))
  sums = weights.astype(np.int64)
  for channel in moved:
    sums[:, :, stands_for[channel]] += sums[:, :, channel]
    sums[:, :, channel] = 0
  changed = sums[:, :, np.unique(stands_for[moved])]
  if changed.size and (changed.min() < _LOW or changed.max() > _HIGH):
    return None
  return sums.astype(np.int8)
